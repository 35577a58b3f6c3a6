import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startInProcess } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { Stage } from '../stage/stage.ts';
import { installShipped } from './shipped.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The shell blocks of a section of docs/operations.md, without `kubectl`. */
async function commandsOf(section: string): Promise<string[][]> {
  const text = await readFile(join(ROOT, 'docs/operations.md'), 'utf8');
  const body = text.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...body.matchAll(/```sh\n([^`]*)```/g)].map(([, block = '']) => block.trim().split('\n'));
}

test(
  'the documented way to uninstall keeps the Secrets and removes everything else',
  { timeout: 180_000 },
  async () => {
    await using stage = await Stage.start({ kind: 'real', controllers: true });
    const { cluster } = stage;
    const kubectl = async (command: string): Promise<string> => {
      const [name, ...args] = command.split(' ');
      assert.equal(name, 'kubectl');
      const { exitCode, stdout, stderr } = await cluster.kubectl(
        args.map((arg) => (arg === 'daemonset' && args.includes('-f') ? join(ROOT, arg) : arg)),
      );
      assert.equal(exitCode, 0, `${command}: ${stderr}`);
      return stdout;
    };
    assert.equal((await installShipped(cluster)).exitCode, 0);
    for (const name of ['databaseCredentials', 'vsecm-agent-placeholder']) {
      await stage.safe.register({
        name: `raw:${name}`,
        namespaces: ['shop'],
        value: '{"cocaCola":{"data":{"username":"u","password":"p"}}}',
      });
    }
    await stage.namespace('shop');
    await cluster.apply(
      {
        apiVersion: 'vsecm.com/v1alpha1',
        kind: 'VSecMSecret',
        metadata: { name: 'database-credentials' },
        spec: { data: [{ key: 'username', ref: 'databaseCredentials.cocaCola.data.username' }] },
      },
      'shop',
    );
    const agent = startInProcess(await stage.join('node-1'));
    await awaitObject(cluster.admin, vssPath('shop', 'database-credentials'), isReady);
    const [owned] = (await cluster.admin.ok('GET', secretPath('shop', 'database-credentials'))).metadata
      .ownerReferences;
    assert.equal(owned.kind, 'VSecMSecret');

    const [uninstall = [], unlabel = []] = await commandsOf('Uninstall');
    assert.equal(uninstall.length, 4);
    for (const command of uninstall) {
      await kubectl(command);
      // No kubelet here that would stop the agent with its pod.
      if (command === uninstall[0]) await agent.stop();
    }
    await awaitObject(
      cluster.admin,
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/vsecmsecrets.vsecm.com',
      (crd) => crd === undefined,
    );
    await awaitObject(
      cluster.admin,
      '/api/v1/namespaces/vsecm-agent',
      (namespace) => namespace === undefined,
    );
    for (const command of unlabel) await kubectl(command);

    const { data, metadata } = await cluster.admin.ok('GET', secretPath('shop', 'database-credentials'));
    assert.equal(Buffer.from(data.username, 'base64').toString(), 'u');
    assert.equal(metadata.ownerReferences, undefined);
    assert.equal(metadata.deletionTimestamp, undefined);
    assert.deepEqual(metadata.labels ?? {}, {});
  },
);
