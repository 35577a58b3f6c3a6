import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundle, bundlePlugin, type Bundle } from '../../scripts/build.ts';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { clusterKind } from '../cluster.ts';
import { Stage } from '../stage/stage.ts';
import { vss } from '../stage/scene.ts';

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

function run(file: string, args: readonly string[], env: Record<string, string>): Promise<Ran> {
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) => {
    execFile(file, [...args], { env: { PATH: path, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('the plugin', { timeout: 120_000 }, () => {
  let folder: string;
  let plugin: Bundle;
  let alone: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vsecm-plugin-'));
    plugin = await bundlePlugin(join(folder, 'dist'));
    alone = join(folder, 'bin', 'kubectl-vsecm');
    await mkdir(dirname(alone));
    await copyFile(plugin.file, alone);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('is one executable file that runs wherever it is copied to', async () => {
    assert.equal((await stat(alone)).mode & 0o111, 0o111);
    const { code, stdout, stderr } = await run(alone, [], { HOME: folder });
    assert.deepEqual([code, stderr], [0, '']);
    for (const name of ['why', 'owners', 'logs', 'refresh', 'check', 'identity']) {
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
      const help = await run(alone, [name, '--help'], { HOME: folder });
      assert.match(help.stdout, new RegExp(`Usage: kubectl vsecm ${name}`));
    }
  });

  test('holds no package whose license does not come with the agent', async () => {
    const agent = await bundle(join(folder, 'agent'));
    const names = new Set(agent.packages.map(({ name }) => name));
    assert.deepEqual(
      plugin.packages.map(({ name }) => name).filter((name) => !names.has(name)),
      [],
    );
  });

  test('ends with 2 for what it cannot understand, with 1 without a cluster, in a sentence', async () => {
    const unknown = await run(alone, ['wy', 'db'], { HOME: folder });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^error: unknown command "wy"\n/);
    assert.equal((await run(alone, ['why', '--colour'], { HOME: folder })).code, 2);
    const nowhere = await run(alone, ['why', 'db'], { HOME: folder });
    assert.deepEqual(nowhere, {
      code: 1,
      stdout: '',
      stderr: 'error: no kubeconfig can be read: name one with --kubeconfig or KUBECONFIG\n',
    });
    const kubeconfig = join(folder, 'closed');
    const cluster = { server: 'https://127.0.0.1:1' };
    await writeFile(
      kubeconfig,
      JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'c', user: { token: 's3cr3t' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'c', namespace: 'team' } }],
      }),
    );
    const closed = await run(alone, ['why', 'db'], { KUBECONFIG: kubeconfig });
    assert.deepEqual(closed, {
      code: 1,
      stdout: '',
      stderr:
        'error: the API server does not answer (ECONNREFUSED): get vsecmsecrets.vsecm.com db in namespace team\n',
    });
  });

  test('asks the cluster of KUBECONFIG, and works as kubectl vsecm', async () => {
    await using stage = await Stage.start();
    await stage.namespace('team');
    await stage.cluster.apply(vss('db', { data: [{ key: 'a', ref: 'a' }] }), 'team');
    const env = { KUBECONFIG: stage.cluster.kubeconfig, HOME: folder };
    const told = /^team\/db +not ready: no agent has said anything about it yet$/m;
    assert.match((await run(alone, ['why', 'db', '-n', 'team'], env)).stdout, told);
    if (clusterKind() !== 'real') return;
    const assets = await controlPlaneAssets();
    const kubectl = join('folder' in assets ? assets.folder : '', 'kubectl');
    const path = [dirname(alone), dirname(process.execPath), process.env['PATH']].join(delimiter);
    const ran = await run(kubectl, ['vsecm', 'why', 'db', '-n', 'team'], { ...env, PATH: path });
    assert.match(ran.stdout, told, ran.stderr);
  });
});
