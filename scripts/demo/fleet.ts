import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess, type AgentProcess } from '../../test/stage/agents.ts';
import { Kubelet, type Pod, type Probe } from '../../test/stage/kubelet.ts';
import type { LogLine } from '../../test/stage/log-lines.ts';
import type { Stage } from '../../test/stage/stage.ts';
import { within } from './within.ts';

const START_MS = 30_000;
const END_MS = 10_000;
/** Shorter than the manifest's, so that the story is not about waiting. */
const PROBE: Probe = { periodMs: 1_000, timeoutMs: 1_000, failures: 2 };

/** The agents of the demo, each a process of its own on a node of its own, whose kubelet the demo plays. */
export class Fleet {
  readonly #stage: Stage;
  readonly #env: Readonly<Record<string, string>>;
  readonly #kubelets = new Map<string, Kubelet>();
  /** All that ever ran, in order. */
  readonly #agents: AgentProcess[] = [];
  readonly #killed = new Set<AgentProcess>();
  readonly #ended = Promise.withResolvers<never>();
  /** What may still start a process. */
  readonly #starting: Promise<unknown>[] = [];
  #nodes = 0;
  #stopping = false;

  /** @param env what all agents get besides what the DaemonSet gives them */
  constructor(stage: Stage, env: Readonly<Record<string, string>>) {
    this.#stage = stage;
    this.#env = env;
    this.#ended.promise.catch(() => undefined);
  }

  /** Rejects when an agent ends that was not asked to. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  /** Brings up `node` with a pod of the DaemonSet on it; resolves when the pod is ready. */
  async start(node: string): Promise<void> {
    this.#nodes += 1;
    const starting = this.#join(node, this.#nodes);
    this.#starting.push(starting);
    const kubelet = await starting;
    await kubelet.whenReady(true, START_MS);
  }

  /** SIGKILL to the agent on `node`; resolves when it is gone. Nobody starts it again. */
  async kill(node: string): Promise<void> {
    const { agent } = this.#kubelet(node);
    this.#killed.add(agent);
    agent.kill('SIGKILL');
    await agent.exited;
  }

  /** Starts the agent of a pod again that was killed; resolves when the pod is ready. */
  async restart(node: string): Promise<void> {
    const kubelet = this.#kubelet(node);
    const starting = kubelet.restartContainer();
    this.#starting.push(starting);
    await starting;
    await kubelet.whenReady(true, START_MS);
  }

  /** Resolves when each agent that runs sees this many members. */
  async whenMembers(count: number): Promise<void> {
    const seen = async (agent: AgentProcess): Promise<void> => {
      while (!(await metricsOf(agent)).includes(`\nvsecm_agent_members ${count}\n`)) await sleep(50);
    };
    await within(
      Promise.all(this.#running().map(seen)),
      START_MS,
      `not all agents have seen ${count} members`,
    );
  }

  podOn(node: string): string {
    return this.#kubelet(node).pod?.name ?? '';
  }

  /** How many lines the agent on `node` has written, to wait for later ones. */
  position(node: string): number {
    return this.#kubelet(node).agent.log.lines.length;
  }

  /** The next line that fits, after the first `from` lines. */
  whenLogged(
    node: string,
    fits: (line: LogLine) => boolean,
    from: number,
    timeoutMs = 30_000,
  ): Promise<LogLine> {
    const { log } = this.#kubelet(node).agent;
    return within(log.when(fits, from), timeoutMs, `the agent on ${node} has not logged what was expected`);
  }

  /** Everything that the agents have ever logged, and the metrics of those that run at this moment. */
  async outputs(): Promise<{ logs: string; metrics: string }> {
    return {
      logs: this.#agents.map(({ log }) => log.text).join(''),
      metrics: (await Promise.all(this.#running().map(metricsOf))).join(''),
    };
  }

  /** SIGTERM to all; the exit codes of those that nobody killed. */
  async stop(): Promise<number[]> {
    this.#stopping = true;
    await Promise.allSettled(this.#starting);
    const codes = await Promise.all(this.#running().map(end));
    await Promise.allSettled([...this.#kubelets.values()].map((kubelet) => kubelet.close()));
    return codes;
  }

  /** The last lines of each agent. */
  lastLines(count: number): LogLine[] {
    return this.#agents.flatMap(({ log }) => log.lines.slice(-count));
  }

  /** Lines from now on, until the process ends. */
  follow(print: (line: LogLine) => void): void {
    for (const { log } of this.#running()) log.each(print);
  }

  async #join(node: string, number: number): Promise<Kubelet> {
    const kubelet = await Kubelet.join({ cluster: this.#stage.cluster, node, number, probe: PROBE });
    this.#kubelets.set(node, kubelet);
    await kubelet.run((pod) => this.#launch(node, pod));
    return kubelet;
  }

  async #launch(node: string, pod: Pod): Promise<AgentProcess> {
    const account = { namespace: 'vsecm-agent', name: 'vsecm-agent' };
    const env = await this.#stage.join(node, {
      POD_NAME: pod.name,
      KUBECONFIG: await this.#stage.cluster.kubeconfigFor(account, pod),
      ...this.#env,
    });
    if (this.#stopping) throw new Error('the demo is ending');
    const agent = startProcess(env);
    this.#agents.push(agent);
    void this.#watch(node, agent);
    return agent;
  }

  async #watch(node: string, agent: AgentProcess): Promise<void> {
    const code = await agent.exited;
    if (!this.#stopping && !this.#killed.has(agent))
      this.#ended.reject(new Error(`the agent on ${node} ended with ${code}`));
  }

  #running(): AgentProcess[] {
    return this.#agents.filter((agent) => !this.#killed.has(agent));
  }

  #kubelet(node: string): Kubelet {
    const kubelet = this.#kubelets.get(node);
    if (!kubelet) throw new Error(`no agent on ${node}`);
    return kubelet;
  }
}

const metricsOf = async (agent: AgentProcess): Promise<string> =>
  (await fetch(`http://127.0.0.1:${await agent.port()}/metrics`)).text();

/** A process that does not heed SIGTERM must not outlive the demo. */
async function end(agent: AgentProcess): Promise<number> {
  if (agent.child.exitCode !== null || agent.child.signalCode !== null) return agent.exited;
  const force = setTimeout(() => agent.kill('SIGKILL'), END_MS);
  try {
    return await agent.stop();
  } finally {
    clearTimeout(force);
  }
}
