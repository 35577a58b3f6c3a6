import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../build.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `dist/agent.js`, built if it is not there or older than what it is built from. */
export async function freshBundle(): Promise<string> {
  const file = join(ROOT, 'dist/agent.js');
  const built = (await stat(file).catch(() => undefined))?.mtimeMs ?? -Infinity;
  for await (const source of glob(['agent/**/*.ts', 'scripts/build.ts', 'package-lock.json'], {
    cwd: ROOT,
  })) {
    if ((await stat(join(ROOT, source))).mtimeMs <= built) continue;
    await bundle(join(ROOT, 'dist'));
    break;
  }
  return file;
}
