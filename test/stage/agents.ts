import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAgent, type AgentOptions } from '../../agent/agent.ts';
import { readConfig } from '../../agent/config.ts';
import { createLog } from '../../agent/log.ts';
import { reapOnCrash } from '../devcluster/reaper.ts';
import { LogLines } from './log-lines.ts';

/** An agent that runs for a test. */
export interface RunningAgent {
  readonly log: LogLines;
  /** Its environment, as it was started. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves to its port once it has started. */
  port(): Promise<number>;
  /** SIGTERM, or the same in this process; resolves to the exit code. */
  stop(): Promise<number>;
}

/** Runs an agent inside the test's process. `pace` and `floorMs` shorten the product's times. */
export function startInProcess(
  env: Record<string, string>,
  options: Pick<AgentOptions, 'pace' | 'floorMs' | 'reach' | 'clock'> = {},
): RunningAgent {
  const log = new LogLines();
  const config = readConfig(env);
  const stop = new AbortController();
  const run = (async () => {
    const agent = await createAgent({
      config,
      log: createLog(config.logLevel, { node: config.node, pod: config.pod }, log),
      ...options,
    });
    await agent.run(stop.signal);
  })();
  run.catch(() => undefined);
  return {
    log,
    env,
    port: () => portOf(log, run),
    async stop() {
      stop.abort();
      await run;
      return 0;
    },
  };
}

/** An agent as a process of its own. */
export interface AgentProcess extends RunningAgent {
  readonly child: ChildProcess;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<number>;
}

/** How the process is started: from source, or the bundle with the manifest's flags. */
export type Program = 'source' | { bundle: string; flags?: readonly string[] };

const SOURCE = ['--import', 'tsx', join(import.meta.dirname, '../../agent/main.ts')];

/** Starts an agent as a process with nothing but `env`. */
export function startProcess(
  env: Record<string, string>,
  program: Program = 'source',
  cwd?: string,
): AgentProcess {
  const log = new LogLines();
  const args = program === 'source' ? SOURCE : bundleArguments(program, env);
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', MALLOC_ARENA_MAX: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => log.write(text));
  // The whole output has been read when the streams are closed, not when the process exits.
  const exited = once(child, 'close').then(([code, signal]) => (signal === null ? (code as number) : 128));
  // An agent must not outlive a test that was ended from outside.
  void exited.then(reapOnCrash(child.pid === undefined ? [] : [child.pid], []));
  return {
    log,
    env,
    child,
    exited,
    kill: (signal) => void child.kill(signal),
    port: () =>
      portOf(
        log,
        exited.then((code) =>
          Promise.reject(
            new Error(`the agent exited with ${code} before it started: ${log.text.slice(0, 2_000)}`),
          ),
        ),
      ),
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** The manifest's process flags, with the paths of this machine. */
function bundleArguments(
  { bundle, flags = [] }: Exclude<Program, 'source'>,
  env: Record<string, string>,
): string[] {
  const readable = [bundle, '/etc/hosts', '/etc/resolv.conf', env['KUBECONFIG']].filter(
    (path) => path !== undefined && path !== '',
  );
  return [
    '--disable-sigusr1',
    '--disable-proto=delete',
    '--max-semi-space-size=4',
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...flags,
    bundle,
  ];
}

async function portOf(log: LogLines, failed: Promise<unknown>): Promise<number> {
  const line = await Promise.race([
    log.when(({ msg }) => msg === 'Agent started'),
    failed.then(() => Promise.reject(new Error('the agent ended before it started'))),
  ]);
  return line['port'] as number;
}

/** An empty folder that is removed by `using`. */
export async function emptyFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'vsecm-agent-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
