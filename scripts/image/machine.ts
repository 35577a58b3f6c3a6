import { spawnSync } from 'node:child_process';

/** What this machine lacks to run a container, or undefined. */
export function missing(): string | undefined {
  if (process.platform !== 'linux') return `it takes Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'it takes root: other users, namespaces and control groups';
  for (const tool of ['runc', 'unshare', 'ip', 'ldd'])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `there is no ${tool}`;
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) return 'it may make no network namespace';
  return undefined;
}
