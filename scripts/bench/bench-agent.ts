import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startProcess, type AgentProcess } from '../../test/stage/agents.ts';
import { MetricsPage } from './metrics-page.ts';

const MONITOR = fileURLToPath(new URL('loop-monitor.mjs', import.meta.url));

/** The heap that Node takes for itself in the manifest's limit of 512 MiB: half of it, and some. */
const POD_HEAP = '--max-old-space-size=260';

/** The bundle as a process with the manifest's flags, ready. */
export class BenchAgent {
  readonly process: AgentProcess;
  readonly port: number;
  /** From spawn to the first 200 of `/readyz`. */
  readonly readyMs: number;

  private constructor(process: AgentProcess, port: number, readyMs: number) {
    this.process = process;
    this.port = port;
    this.readyMs = readyMs;
  }

  static async start(env: Record<string, string>, bundle: string): Promise<BenchAgent> {
    const from = performance.now();
    const process = startProcess(env, { bundle, flags: [POD_HEAP] });
    try {
      const port = await process.port();
      while (!(await isReady(port))) await sleep(2);
      return new BenchAgent(process, port, performance.now() - from);
    } catch (error) {
      process.kill('SIGKILL');
      throw error;
    }
  }

  /** With the event loop watched, for `loopDelay`; that costs some 4 ms of CPU a second. */
  static startWatched(env: Record<string, string>, bundle: string): Promise<BenchAgent> {
    return BenchAgent.start(
      { ...env, NODE_OPTIONS: `--allow-fs-read=${MONITOR} --import=${MONITOR}` },
      bundle,
    );
  }

  metrics(): Promise<MetricsPage> {
    return MetricsPage.of(this.port);
  }

  /** By how much the event loop was late since the last call, milliseconds. */
  async loopDelay(): Promise<{ p99: number; max: number }> {
    const { log } = this.process;
    const said = log.when(({ msg }) => msg === 'loop delay', log.lines.length);
    this.process.kill('SIGUSR2');
    const { p99, max } = await said;
    return { p99: p99 as number, max: max as number };
  }

  async stop(): Promise<void> {
    const code = await this.process.stop();
    if (code !== 0) throw new Error(`the agent ended with ${code}: ${this.process.log.text.slice(-2_000)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited;
  }
}

async function isReady(port: number): Promise<boolean> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/readyz`);
  await body.dump();
  return statusCode === 200;
}
