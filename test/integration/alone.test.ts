import assert from 'node:assert/strict';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../scripts/build.ts';
import { emptyFolder, startProcess } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { credentials, valuesOf, vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';

test('the bundle, alone in an empty folder with the manifest’s flags, syncs a Secret', async () => {
  await using stage = await Stage.start();
  await using built = await emptyFolder();
  await using alone = await emptyFolder();
  const { file } = await bundle(built.path);
  const program = join(alone.path, 'agent.mjs');
  await copyFile(file, program);
  assert.deepEqual(await readdir(alone.path), ['agent.mjs']);

  const agent = startProcess(await stage.join('node-1'), { bundle: program }, alone.path);
  try {
    await agent.port();
    await stage.namespace('alone');
    await stage.safe.register({ name: 'raw:other', value: 'other', namespaces: ['other'] });
    await stage.safe.register({ name: 'raw:db', value: credentials(), namespaces: ['alone'] });
    await stage.cluster.apply(vss('db', { data: [{ key: 'p', ref: 'db.cocaCola.data.password' }] }), 'alone');
    await awaitObject(stage.cluster.admin, vssPath('alone', 'db'), isReady);
    const secret = await awaitObject(stage.cluster.admin, secretPath('alone', 'db'), Boolean);
    assert.deepEqual(valuesOf(secret), { p: 's3cr3t' });
  } finally {
    assert.equal(await agent.stop(), 0);
  }
});
