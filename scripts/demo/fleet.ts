import { startProcess, type AgentProcess } from '../../test/stage/agents.ts';
import type { LogLine } from '../../test/stage/log-lines.ts';
import type { Stage } from '../../test/stage/stage.ts';
import { within } from './within.ts';

const START_MS = 30_000;

/** The agents of the demo, each a process of its own on a node of its own. */
export class Fleet {
  readonly #stage: Stage;
  readonly #agents = new Map<string, AgentProcess>();
  readonly #ended = Promise.withResolvers<never>();
  readonly #joining: Promise<unknown>[] = [];
  #stopping = false;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#ended.promise.catch(() => undefined);
  }

  /** Rejects when an agent ends that was not asked to. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  get nodes(): string[] {
    return [...this.#agents.keys()];
  }

  /** Starts an agent on `node`, with what the DaemonSet would give it and `more`; resolves when it is ready. */
  async start(node: string, more: Record<string, string>): Promise<void> {
    const joining = this.#stage.join(node, more);
    this.#joining.push(joining);
    const env = await joining;
    if (this.#stopping) throw new Error('the demo is ending');
    const agent = startProcess(env);
    this.#agents.set(node, agent);
    void this.#watch(node, agent);
    const port = await within(agent.port(), START_MS, `the agent on ${node} has not started`);
    const end = Date.now() + START_MS;
    // As the kubelet does, by asking again.
    while (!(await isReady(port))) {
      if (Date.now() > end) throw new Error(`the agent on ${node} is not ready within ${START_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** How many lines the agent on `node` has written, to wait for later ones. */
  position(node: string): number {
    return this.#agent(node).log.lines.length;
  }

  /** The next line that fits, after the first `from` lines. */
  whenLogged(
    node: string,
    fits: (line: LogLine) => boolean,
    from: number,
    timeoutMs = 30_000,
  ): Promise<LogLine> {
    const { log } = this.#agent(node);
    return within(log.when(fits, from), timeoutMs, `the agent on ${node} has not logged what was expected`);
  }

  /** Everything that the agents have logged, and their metrics at this moment. */
  async outputs(): Promise<{ logs: string; metrics: string }> {
    const agents = [...this.#agents.values()];
    const metrics = agents.map(async (agent) =>
      (await fetch(`http://127.0.0.1:${await agent.port()}/metrics`)).text(),
    );
    return {
      logs: agents.map(({ log }) => log.text).join(''),
      metrics: (await Promise.all(metrics)).join(''),
    };
  }

  /** SIGTERM to all; their exit codes. */
  async stop(): Promise<number[]> {
    this.#stopping = true;
    await Promise.allSettled(this.#joining);
    return Promise.all([...this.#agents.values()].map((agent) => end(agent)));
  }

  /** The last lines of each agent. */
  lastLines(count: number): LogLine[] {
    return [...this.#agents.values()].flatMap(({ log }) => log.lines.slice(-count));
  }

  /** Lines from now on, until the process ends. */
  follow(print: (line: LogLine) => void): void {
    for (const agent of this.#agents.values()) {
      void (async () => {
        for (;;) print(await agent.log.when(() => true, agent.log.lines.length));
      })();
    }
  }

  async #watch(node: string, agent: AgentProcess): Promise<void> {
    const code = await agent.exited;
    if (!this.#stopping) this.#ended.reject(new Error(`the agent on ${node} ended with ${code}`));
  }

  #agent(node: string): AgentProcess {
    const agent = this.#agents.get(node);
    if (!agent) throw new Error(`no agent on ${node}`);
    return agent;
  }
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status === 200;
}

/** A process that does not heed SIGTERM must not outlive the demo. */
async function end(agent: AgentProcess): Promise<number> {
  if (agent.child.exitCode !== null || agent.child.signalCode !== null) return agent.exited;
  const force = setTimeout(() => agent.kill('SIGKILL'), 10_000);
  try {
    return await agent.stop();
  } finally {
    clearTimeout(force);
  }
}
