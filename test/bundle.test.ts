import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { bundle, type Bundle } from '../scripts/build.ts';

const run = promisify(execFile);

// What may be in the bundle, so that a careless import does not bring thirty packages onto every node.
const ALLOWED = [
  '@kubernetes/client-node',
  'js-yaml',
  'jsonpath-plus',
  'lru-cache',
  'prom-client',
  'undici',
  // pino and its own
  '@pinojs/redact',
  'atomic-sleep',
  'on-exit-leak-free',
  'pino',
  'pino-std-serializers',
  'quick-format-unescaped',
  'safe-stable-stringify',
  'sonic-boom',
  'thread-stream',
];

describe('the bundle', { timeout: 60_000 }, () => {
  let folder: string;
  let built: Bundle;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vsecm-bundle-'));
    built = await bundle(join(folder, 'dist'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('holds no package but those on the list, each once', () => {
    const names = built.packages.map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => !ALLOWED.includes(name)),
      [],
    );
    assert.equal(new Set(names).size, names.length, names.join(' '));
  });

  test('comes with the license of each package', async () => {
    const text = await readFile(join(folder, 'dist/LICENSES.txt'), 'utf8');
    for (const { name, version, license } of built.packages) {
      assert.notEqual(license, 'unknown', name);
      assert.ok(text.includes(`${name} ${version}: ${license}\n`), name);
    }
  });

  test('prints its help alone in a folder, under the flags of the DaemonSet', async () => {
    const alone = join(folder, 'alone');
    await mkdir(alone);
    await copyFile(built.file, join(alone, 'agent.js'));
    const flags = [
      '--disable-sigusr1',
      '--disable-proto=delete',
      '--max-semi-space-size=4',
      '--permission',
      `--allow-fs-read=${alone}`,
    ];
    const { stdout, stderr } = await run(process.execPath, [...flags, 'agent.js', '--help'], {
      cwd: alone,
      env: {},
    });
    assert.equal(stderr, '');
    assert.match(stdout, /VSECM_SAFE_ENDPOINT_URL/);
  });
});
