import { spawn } from 'node:child_process';

/**
 * A small process that outlives this one only to clean up: if this process ends without calling the
 * returned function (SIGKILL, a crash of the test runner), it kills `pids` and removes `folders`.
 */
export function reapOnCrash(pids: readonly number[], folders: readonly string[]): () => void {
  const script =
    'read -r word; [ "$word" = stopped ] && exit; pids=$1; shift; [ -n "$pids" ] && kill -9 $pids; sleep 1; rm -rf -- "$@"';
  const reaper = spawn('sh', ['-c', script, 'sh', pids.join(' '), ...folders], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  reaper.unref();
  reaper.stdin.on('error', () => {});
  (reaper.stdin as unknown as { unref(): void }).unref();
  return () => reaper.stdin.end('stopped\n');
}
