// Runs before each npm script: installs what package-lock.json names unless it is there already. Plain
// JavaScript without dependencies, since npm may have started it under a Node older than the one that
// everything else needs: that one is among what gets installed, and npm scripts find it first on PATH.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The packages of a lockfile by their place, or undefined where there is no readable one. */
function packages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Whether each locked package stands in node_modules in just that version. Optional ones fit other platforms. */
function installed() {
  const wanted = packages('package-lock.json');
  // What npm wrote about its last installation; it removes this file when it begins one.
  const found = packages('node_modules/.package-lock.json');
  if (!wanted || !found || !existsSync(join(root, 'node_modules/node/bin'))) return false;
  return Object.entries(wanted).every(
    ([place, { optional, version, integrity }]) =>
      place === '' || optional || (found[place]?.version === version && found[place].integrity === integrity),
  );
}

if (!installed()) {
  console.error('Installing dependencies (npm ci) ...');
  const options = ['ci', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const result = npm
    ? spawnSync(process.execPath, [npm, ...options], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    : spawnSync('npm', options, {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        shell: process.platform === 'win32',
      });
  if (result.status !== 0) {
    const why = result.error ? result.error.message : `exit code ${result.status ?? result.signal}`;
    console.error(
      `Dependencies could not be installed: npm ci failed (${why}). It needs npm 10 or later and a ` +
        'reachable npm registry; run "npm ci" to see its whole output.',
    );
    process.exit(1);
  }
}
