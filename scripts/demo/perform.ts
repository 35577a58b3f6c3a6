import { controlPlaneAssets } from '../../test/devcluster/control-plane-assets.ts';
import { HELP, parseArguments, type Arguments } from './arguments.ts';
import { Interrupted, untilInterrupted } from './interruption.ts';
import { Narrator } from './narrator.ts';
import { Scene, type Setting } from './scene.ts';
import { within } from './within.ts';

/** A part of the story: acts, and throws if what should follow does not. */
export type Chapter = (scene: Scene) => Promise<void>;

const CLEAN_UP_MS = 30_000;

/** Plays the chapters in turn, as the command line says, and cleans up; resolves to the exit code. */
export async function perform(
  story: readonly Chapter[],
  args: readonly string[] = process.argv.slice(2),
): Promise<number> {
  let options: Arguments;
  try {
    options = parseArguments(args);
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  return new Performance(options).run(story);
}

class Performance {
  readonly #options: Arguments;
  readonly #tell = new Narrator();
  readonly #interrupted = untilInterrupted();
  readonly #startedAt = performance.now();
  #opening: Promise<Scene> | undefined;
  #scene: Scene | undefined;
  /** The whole story was told, and is left open. */
  #told = false;
  #over = false;

  constructor(options: Arguments) {
    this.#options = options;
  }

  async run(story: readonly Chapter[]): Promise<number> {
    try {
      await Promise.race([this.#play(story), this.#interrupted]);
      return 0;
    } catch (error) {
      return this.#explain(error);
    } finally {
      // What was interrupted goes on until the process ends; nobody needs to hear of it.
      this.#over = true;
      this.#tell.hush();
      await within(this.#cleanUp(), CLEAN_UP_MS, 'the demo has not cleaned up').catch((error: Error) =>
        process.stderr.write(`demo: ${error.message}\n`),
      );
    }
  }

  async #play(story: readonly Chapter[]): Promise<void> {
    const tell = this.#tell;
    const setting = await this.#setting();
    tell.title(
      `The VSecM agent at work, on ${setting.kind === 'real' ? 'a real kube-apiserver' : 'the development cluster'}`,
    );
    tell.say(
      `Each agent is a process of its own; the demo plays the kubelets. ${standIns(setting)} and VSecM Safe are ` +
        'stand-ins that speak the real protocols on loopback. In the commands, safe stands for: ' +
        'kubectl exec -n vsecm-system deploy/vsecm-sentinel -- safe. What it sends to Safe, the demo sends: ' +
        "POST /sentinel/v1/secrets, with Sentinel's SVID.",
    );
    this.#opening = Scene.open(setting, tell);
    const scene = await tell.witness('they are up', this.#opening);
    this.#scene = scene;
    for (const chapter of story) {
      if (this.#over) return;
      await Promise.race([chapter(scene), scene.agents.ended]);
    }
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    if (this.#options.keep) await this.#stay(scene, setting, seconds);
    const codes = await tell.witness('asked to stop, all agents end', scene.agents.stop());
    if (codes.some((code) => code !== 0)) throw new Error(`an agent exited with ${codes.join(', ')}`);
    tell.title(`Every step was seen to happen, in ${seconds} s.`);
  }

  /** Where the story plays. @throws Error if the machine does not have it */
  async #setting(): Promise<Setting> {
    if (!this.#options.envtest) return { kind: 'dev', controllers: false };
    const assets = await controlPlaneAssets();
    if ('missing' in assets) {
      throw new Error(
        `the real kube-apiserver is not available: ${assets.missing}. Either set KUBEBUILDER_ASSETS to a folder with ` +
          'kube-apiserver, etcd and kubectl (a release of envtest, such as setup-envtest downloads), or install Go, which ' +
          'builds them. Without --envtest the demo needs neither.',
      );
    }
    return { kind: 'real', controllers: assets.controllers, kubectlFolder: assets.folder };
  }

  /** Leaves everything running until Ctrl-C, which is no failure here. */
  async #stay(scene: Scene, { kubectlFolder }: Setting, seconds: number): Promise<void> {
    const tell = this.#tell;
    tell.title(`Every step was seen to happen, in ${seconds} s; now it stays open. Ctrl-C ends it.`);
    tell.say('In another terminal:');
    tell.command(`export KUBECONFIG=${scene.stage.cluster.kubeconfig}`);
    if (kubectlFolder === undefined) {
      tell.command('kubectl get --raw /apis/vsecm.com/v1alpha1/vsecmsecrets');
      tell.say(
        'The development API server knows what the agent uses, and no more: --envtest has all of kubectl.',
      );
    } else {
      tell.command(`export PATH=${kubectlFolder}:$PATH`);
      tell.command('kubectl get vss -A');
    }
    tell.say("The agents' logs from here on:");
    scene.agents.follow((line) => tell.logLine(line));
    this.#told = true;
    await scene.agents.ended;
  }

  #explain(error: unknown): number {
    const tell = this.#tell;
    if (error instanceof Interrupted) {
      tell.title(this.#told ? 'Cleaning up.' : 'Interrupted: cleaning up.');
      return this.#told ? 0 : 130;
    }
    tell.broken(error instanceof Error ? error.message : String(error));
    for (const line of this.#scene?.agents.lastLines(3) ?? []) tell.logLine(line);
    return 1;
  }

  async #cleanUp(): Promise<void> {
    const scene = await this.#opening?.catch(() => undefined);
    await scene?.close();
  }
}

function standIns({ kind, controllers }: Setting): string {
  if (kind === 'dev') return 'The Kubernetes API server, its EndpointSlices, SPIRE';
  return controllers ? 'SPIRE' : 'The EndpointSlices, SPIRE';
}
