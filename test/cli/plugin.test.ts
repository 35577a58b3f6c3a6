import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
      stderr:
        'error: no kubeconfig can be read: name one with --kubeconfig or KUBECONFIG, and see that the files it names are there and not empty\n',
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
    const proxied = { KUBECONFIG: kubeconfig, HTTPS_PROXY: 'http://me:s3cr3t@proxy.example' };
    const behind = await run(alone, ['why', 'db'], proxied);
    assert.match(
      behind.stderr,
      /^HTTPS_PROXY is set, which kubectl uses and this plugin does not: .+\nerror: /,
    );
    assert.doesNotMatch(behind.stderr, /s3cr3t/);
    const exempt = await run(alone, ['why', 'db'], { ...proxied, NO_PROXY: 'x.example,127.0.0.1' });
    assert.equal(exempt.stderr, closed.stderr);
  });

  test('shows what the kubeconfig’s command says when it cannot sign in, and says whose words these are', async () => {
    const command = join(folder, 'sso');
    await writeFile(command, "#!/bin/sh\necho 'The session has expired, run: sso login' >&2\nexit 255\n");
    await chmod(command, 0o700);
    const kubeconfig = join(folder, 'sso-kubeconfig');
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'IfAvailable' };
    await writeFile(
      kubeconfig,
      JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'c', user: { exec } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
      }),
    );
    assert.deepEqual(await run(alone, ['why', 'db'], { KUBECONFIG: kubeconfig }), {
      code: 1,
      stdout: '',
      stderr:
        'The session has expired, run: sso login\nerror: the command that the kubeconfig names for signing in failed; what it says stands above\n',
    });
  });

  test('says which Node it needs to one that is too old', async () => {
    // What an older Node would run first: everything up to the first module of the program.
    const [, first = ''] = (await readFile(alone, 'utf8')).split('\n', 2);
    const check = first.slice(0, first.indexOf('import{'));
    const shown = join(folder, 'check.cjs');
    await writeFile(shown, check.replaceAll('process.versions.node', "'20.20.2'"));
    const { code, stderr } = await run(process.execPath, [shown], {});
    assert.equal(code, 1);
    assert.match(stderr, /^kubectl vsecm needs Node\.js 24 or later, and node is v\d/);
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
