import { execFileSync } from 'node:child_process';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyFolder } from './agents.ts';

/** What clusters run from which this version is reached. With tags it will be the last one. */
const LAST_RELEASE = 'fc0e5f3';
const ROOT = join(import.meta.dirname, '../..');
const PARTS = [
  'agent',
  'daemonset',
  'scripts/build.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

/** The last release, made from the history. */
export interface LastRelease {
  /** Its one file that runs. */
  bundle: string;
  /** Its manifests. */
  daemonset: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Why it cannot be made, or undefined. */
export function lastReleaseMissing(): string | undefined {
  try {
    execFileSync('git', ['cat-file', '-e', `${LAST_RELEASE}^{commit}`], { cwd: ROOT, stdio: 'ignore' });
    return undefined;
  } catch {
    return `there is no history with ${LAST_RELEASE} here (a shallow clone?)`;
  }
}

/** One of its files, as text. */
export const lastReleaseFile = (path: string): string =>
  execFileSync('git', ['show', `${LAST_RELEASE}:${path}`], { cwd: ROOT, encoding: 'utf8' });

/** With the dependencies of today, which must be those of the release. */
export async function buildLastRelease(): Promise<LastRelease> {
  const folder = await emptyFolder();
  const archive = execFileSync('git', ['archive', LAST_RELEASE, ...PARTS], { cwd: ROOT, maxBuffer: 2 ** 26 });
  execFileSync('tar', ['-x', '-C', folder.path], { input: archive });
  const lock = async (root: string): Promise<unknown> =>
    dependencies(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  const same = JSON.stringify(await lock(ROOT)) === JSON.stringify(await lock(folder.path));
  if (same) await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
  else execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder.path, stdio: 'ignore' });
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: folder.path });
  return {
    bundle: join(folder.path, 'dist/agent.js'),
    daemonset: join(folder.path, 'daemonset'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Without the project's own entry, which has its version. */
const dependencies = ({ packages }: { packages: Record<string, unknown> }): unknown => ({
  ...packages,
  '': undefined,
});
