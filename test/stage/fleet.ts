import { join } from 'node:path';
import { bundle } from '../../scripts/build.ts';
import { Rendezvous } from '../../agent/shard/rendezvous.ts';
import { emptyFolder, startProcess, type AgentProcess, type Program } from './agents.ts';
import { Kubelet, type Pod, type Probe } from './kubelet.ts';
import { metric } from './metric.ts';
import { Relay } from './relay.ts';
import { scoutId, type Stage } from './stage.ts';

export interface FleetOptions {
  stage: Stage;
  handoffDelayMs: number;
  probe: Probe;
  /** More environment for all agents. */
  env?: Record<string, string>;
  /** More flags of Node for all agents. */
  flags?: readonly string[];
}

/** What runs on one node. */
interface Member {
  readonly kubelet: Kubelet;
  /** The agent's way to Safe. */
  readonly safe: Relay;
}

/**
 * Agents as the DaemonSet runs them: the bundle with the manifest's flags, one process per node, each under the
 * ServiceAccount's token bound to its pod, on the real EndpointSlices of the shipped Service.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #program: Program;
  readonly #folder: Awaited<ReturnType<typeof emptyFolder>>;

  private constructor(
    options: FleetOptions,
    program: Program,
    folder: Awaited<ReturnType<typeof emptyFolder>>,
  ) {
    this.#options = options;
    this.#program = program;
    this.#folder = folder;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const folder = await emptyFolder();
    const { file } = await bundle(join(folder.path, 'dist'));
    return new Fleet(options, { bundle: file, flags: options.flags ?? [] }, folder);
  }

  /** Runs an agent on `node`; resolves when its pod is ready. */
  async up(node: string): Promise<void> {
    const member = this.#members.get(node) ?? (await this.#join(node));
    await member.kubelet.run((pod) => this.#launch(member, pod));
    await member.kubelet.whenReady();
  }

  /** Deletes the pod, and none comes after it: the node is drained of it. Resolves to the exit code. */
  async down(node: string): Promise<number> {
    const { kubelet } = this.#member(node);
    const { pod } = kubelet;
    const code = await kubelet.delete();
    const spire = await this.#options.stage.spire(node);
    spire.remove(scoutId(pod?.name ?? ''));
    return code;
  }

  /** Replaces the pods in turn, each after the one before is ready, as a rolling update does. */
  async rollOut(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      await this.down(node);
      await this.up(node);
    }
  }

  kubelet(node: string): Kubelet {
    return this.#member(node).kubelet;
  }

  agent(node: string): AgentProcess {
    return this.kubelet(node).agent;
  }

  /** The agent's way to Safe, to be cut. */
  safe(node: string): Relay {
    return this.#member(node).safe;
  }

  /** How the gate in front of the API server names the agent. */
  client(node: string): string {
    return `system:serviceaccount:vsecm-agent:vsecm-agent/${this.kubelet(node).pod?.name ?? ''}`;
  }

  /** A number of the agent's metrics, summed over labels that are not in `labels`. */
  metric(node: string, name: string, labels: Record<string, string> = {}): Promise<number> {
    return metric(this.agent(node), name, labels);
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    for (const { kubelet, safe } of this.#members.values()) {
      await kubelet.close();
      await safe.close();
    }
    await this.#folder[Symbol.asyncDispose]();
  }

  #member(node: string): Member {
    const member = this.#members.get(node);
    if (!member) throw new Error(`no agent was ever on ${node}`);
    return member;
  }

  async #join(node: string): Promise<Member> {
    const { stage, probe } = this.#options;
    const kubelet = await Kubelet.join({
      cluster: stage.cluster,
      node,
      number: this.#members.size + 1,
      probe,
    });
    const member = { kubelet, safe: await Relay.start(Number(new URL(stage.safe.url).port)) };
    this.#members.set(node, member);
    return member;
  }

  async #launch({ kubelet, safe }: Member, pod: Pod): Promise<AgentProcess> {
    const { stage, handoffDelayMs, env } = this.#options;
    const account = { namespace: 'vsecm-agent', name: 'vsecm-agent' };
    const given = await stage.join(kubelet.node, {
      POD_NAME: pod.name,
      KUBECONFIG: await stage.cluster.kubeconfigFor(account, pod),
      VSECM_AGENT_SERVICE: 'vsecm-agent',
      VSECM_AGENT_HANDOFF_DELAY: `${handoffDelayMs}ms`,
      VSECM_SAFE_ENDPOINT_URL: `https://127.0.0.1:${safe.port}`,
      ...env,
    });
    return startProcess(given, this.#program);
  }
}

/** Which of `nodes` owns a namespace, if all of them are members. */
export function owners(nodes: readonly string[], maxOwners = 16): (namespace: string) => string | undefined {
  const table = new Rendezvous(nodes, { maxOwners });
  return (namespace) => table.ownerOf(namespace);
}
