import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, Scene, vss } from '../stage/scene.ts';
import { vsecm, type Ran } from './command-line.ts';

let scene: Scene;
const refresh = (...argv: string[]): Promise<Ran> =>
  vsecm(scene.stage.cluster.kubeconfig, ['refresh', '-n', 'team', ...argv]);
const password = { data: [{ key: 'password', ref: 'db.cocaCola.data.password' }] };

before(async () => {
  scene = await Scene.start();
  await scene.stage.namespace('team');
  await scene.register('db', credentials(), ['team']);
  await scene.apply(vss('db', password), 'team');
  await scene.vss('team', 'db');
});
after(() => scene?.close());

test('it returns once the agent has asked Safe, with the new value in the Secret', async () => {
  await scene.register('db', credentials('root', 's3cr3t-changed'), ['team']);
  const ran = await refresh('db');
  assert.deepEqual([ran.code, ran.out, ran.said], [0, 'team/db   refreshed\n', '']);
  const secret = await scene.secret('team', 'db');
  assert.equal(Buffer.from(secret.data.password, 'base64').toString(), 's3cr3t-changed');
});

test('a refresh that fails is told with code, cause and hint, and the exit code 1', async () => {
  await scene.stage.safe.stop();
  try {
    const ran = await refresh('vss', 'db');
    assert.equal(ran.code, 1);
    assert.match(ran.out, /^team\/db +failed: SafeUnreachable: .*\n +kubectl get pods/);
    const [one] = JSON.parse((await refresh('db', '-o', 'json')).out);
    assert.deepEqual([one.name, one.result, one.code], ['db', 'failed', 'SafeUnreachable']);
  } finally {
    await scene.stage.safe.start();
  }
  await scene.vss('team', 'db', (object) => object.status.failure === undefined);
});

test('all of a namespace are refreshed, and what is suspended is said to be so and left alone', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `many-${index}`);
  await scene.apply(
    names.map((name) => vss(name, password)),
    'team',
  );
  await scene.apply(vss('asleep', { suspend: true, ...password }), 'team');
  for (const name of names) await scene.vss('team', name);
  await scene.vss('team', 'asleep', (object) => object.status.observedGeneration === 1);
  const ran = await refresh('--all');
  assert.equal(ran.code, 0, ran.said + ran.out);
  assert.equal(ran.out.split('\n').filter((line) => line.endsWith('   refreshed')).length, 41);
  assert.match(ran.out, /^team\/asleep +suspended: nothing is refreshed until/m);
  assert.match(ran.said, /^1 suspended, 41 refreshed\n$/);
  assert.match(ran.progress[0] ?? '', /^\d+ of 41 done, waiting for team\//);
  const { metadata } = await scene.vss('team', 'asleep', () => true);
  assert.equal(metadata.annotations?.['vsecm.com/refresh'], undefined);
  // Who names one wants it refreshed.
  assert.equal((await refresh('asleep')).code, 1);
});

test('what no agent handles ends with the time, and says where to look', async () => {
  await scene.apply(vss('late', password), 'team');
  await scene.vss('team', 'late');
  const undo = scene.stage.cluster.controls.fail(
    { resource: 'vsecmsecrets', subresource: 'status' },
    { status: 503 },
  );
  try {
    const ran = await refresh('late', '--timeout', '300ms');
    assert.equal(ran.code, 1);
    assert.equal(
      ran.out,
      'team/late   not done in time: is its agent there? kubectl vsecm why late -n team\n',
    );
  } finally {
    undo();
  }
});

test('who does not say what to refresh is told how', async () => {
  for (const argv of [[], ['--all', 'db'], ['db', '-A'], ['db', '--timeout', 'soon'], ['Db!']])
    assert.equal((await refresh(...argv)).code, 2, argv.join(' '));
  const absent = await refresh('nobody');
  assert.deepEqual(
    [absent.code, absent.said],
    [1, 'error: vsecmsecrets.vsecm.com nobody not found in namespace team\n'],
  );
});
