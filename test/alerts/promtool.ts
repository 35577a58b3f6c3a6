import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { spawnSync } from 'node:child_process';

/** Why promtool's tests cannot run here, if they cannot. */
export const noPromtool =
  spawnSync('promtool', ['--version']).status === 0
    ? false
    : 'there is no promtool (Debian: apt-get install prometheus)';

/** Runs promtool; resolves to its exit code and all that it wrote. */
export async function promtool(args: string[], input = ''): Promise<{ code: number; output: string }> {
  const child = spawn('promtool', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, output: out + errors };
}
