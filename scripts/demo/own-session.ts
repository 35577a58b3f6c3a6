import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `work` in a copy of this process that has a session of its own, and resolves to its exit code. A Ctrl-C
 * on a terminal goes to every process of the session at once: etcd and kube-apiserver would be gone before
 * anything could be closed in order. So it only gets here, and is passed on to the copy alone.
 */
export async function inOwnSession(work: () => Promise<number>): Promise<number> {
  if (process.send !== undefined) return work();
  const copy = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    // By the channel, the copy notices if this process is killed.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => copy.kill(signal));
  const [code] = (await once(copy, 'exit')) as [number | null];
  return code ?? 1;
}
