import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failsWith, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { credentials, example, Scene, valuesOf, vss } from '../stage/scene.ts';

let scene: Scene;

before(async () => {
  scene = await Scene.start();
});
after(() => scene.close());

/** A namespace with a secret of the same name in Safe, which is granted to it alone. */
async function tenant(namespace: string): Promise<string> {
  await scene.stage.namespace(namespace);
  await scene.register(namespace, credentials(), [namespace]);
  return namespace;
}

const username = (secret: string) => ({ key: 'username', ref: `${secret}.cocaCola.data.username` });
const password = (secret: string) => ({ key: 'password', ref: `${secret}.cocaCola.data.password` });

test('the Secret holds what the VSecMSecret declares, with labels, annotations and an owner', async () => {
  const ns = await tenant('first');
  const [applied] = await scene.apply(
    vss('db', {
      data: [username(ns), password(ns)],
      labels: [{ key: 'app', ref: `${ns}.cocaCola.labels.app` }],
      annotations: [{ key: 'env', ref: `${ns}.cocaCola.annotations.env` }],
    }),
    ns,
  );
  const { status } = await scene.vss(ns, 'db');
  const secret = await scene.secret(ns, 'db');

  assert.deepEqual(valuesOf(secret), { username: 'root', password: 's3cr3t' });
  assert.equal(secret.type, 'Opaque');
  assert.deepEqual(secret.metadata.labels, {
    app: 'db',
    'vsecm.com/managed': 'true',
    'app.kubernetes.io/managed-by': 'vsecm-agent',
  });
  assert.deepEqual(secret.metadata.annotations, { env: 'prod' });
  assert.deepEqual(secret.metadata.ownerReferences, [
    {
      apiVersion: 'vsecm.com/v1alpha1',
      kind: 'VSecMSecret',
      name: 'db',
      uid: applied.metadata.uid,
    },
  ]);
  assert.deepEqual(status.secret, { name: 'db', resourceVersion: secret.metadata.resourceVersion });
  assert.equal(status.node, 'node-1');
  assert.equal(status.failure, undefined);
  assert.match(status.sourceUpdated, /^\d{4}-/);
  const events = await scene.events(ns, 'db');
  assert.deepEqual(
    events.map(({ type, reason }: any) => [type, reason]),
    [['Normal', 'Synced']],
  );
});

test('the target may have another name, and its former Secret goes when it is renamed', async () => {
  const ns = await tenant('renamed');
  await scene.apply(vss('db', { target: { name: 'old-name' }, data: [username(ns)] }), ns);
  await scene.secret(ns, 'old-name');
  await scene.vss(ns, 'db');
  await scene.apply(vss('db', { target: { name: 'new-name' }, data: [username(ns)] }), ns);
  await scene.secret(ns, 'new-name');
  await scene.secret(ns, 'old-name', (secret) => secret === undefined);
  const { status } = await scene.vss(
    ns,
    'db',
    (object) => isReady(object) && object.status.secret.name === 'new-name',
  );
  assert.equal(status.secret.name, 'new-name');
});

test('a new value in Safe is followed at once when a refresh is asked for', async () => {
  const ns = await tenant('refreshed');
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'db');
  await scene.register(ns, credentials('root', 'rotated'), [ns]);
  const { status } = await scene.refresh(ns, 'db');
  const secret = await scene.secret(ns, 'db', (one) => valuesOf(one)['password'] === 'rotated');
  assert.equal(status.failure, undefined);
  assert.equal(
    secret.metadata.resourceVersion,
    (
      await scene.vss(
        ns,
        'db',
        (one) => one.status.secret.resourceVersion === secret.metadata.resourceVersion,
      )
    ).status.secret.resourceVersion,
  );
});

test('a new value in Safe is followed by itself after the interval', async () => {
  const ns = await tenant('interval');
  await scene.apply(vss('db', { refreshInterval: '10s', data: [password(ns)] }), ns);
  await scene.vss(ns, 'db');
  await scene.register(ns, credentials('root', 'by-itself'), [ns]);
  await scene.secret(ns, 'db', (one) => valuesOf(one)['password'] === 'by-itself');
});

test('a Secret that somebody edits is repaired, one that is deleted comes back, also without its label', async () => {
  const ns = await tenant('drift');
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  const {
    metadata: { uid },
  } = await scene.secret(ns, 'db');

  await scene.patch(secretPath(ns, 'db'), { data: { password: Buffer.from('edited').toString('base64') } });
  await scene.secret(ns, 'db', (one) => valuesOf(one)['password'] === 's3cr3t');

  await scene.patch(secretPath(ns, 'db'), { metadata: { labels: { 'vsecm.com/managed': null } } });
  const labelled = await scene.secret(
    ns,
    'db',
    (one) => one.metadata.labels?.['vsecm.com/managed'] === 'true',
  );
  assert.equal(labelled.metadata.uid, uid);

  await scene.stage.cluster.admin.ok('DELETE', secretPath(ns, 'db'));
  const restored = await scene.secret(ns, 'db', (one) => one !== undefined && one.metadata.uid !== uid);
  assert.deepEqual(valuesOf(restored), { password: 's3cr3t' });
});

test('keys that leave the spec leave the Secret, and fields of others stay', async () => {
  const ns = await tenant('pruned');
  await scene.apply(vss('db', { data: [username(ns), password(ns)] }), ns);
  await scene.vss(ns, 'db');
  await scene.patch(secretPath(ns, 'db'), {
    data: { theirs: Buffer.from('kept').toString('base64') },
    metadata: { annotations: { theirs: 'kept' } },
  });
  await scene.apply(vss('db', { data: [username(ns)] }), ns);
  const secret = await scene.secret(ns, 'db', (one) => valuesOf(one)['password'] === undefined);
  assert.deepEqual(valuesOf(secret), { username: 'root', theirs: 'kept' });
  assert.equal(secret.metadata.annotations.theirs, 'kept');
});

test('both documented VSecMSecrets work as they are printed', async () => {
  await using printed = await Scene.start(({ safe }) => ({
    VSECM_AGENT_SAFES: JSON.stringify(
      ['https://path/to/vsecm/safe/api/endpoint', 'https://vsecm.example.com'].map((url) => ({
        url,
        dial: safe.dial,
        grants: 'plain',
      })),
    ),
  }));
  await printed.register('databaseCredentials', credentials(), ['printed-1', 'printed-2']);
  for (const number of [1, 2] as const) {
    const ns = await printed.stage.namespace(`printed-${number}`);
    await printed.apply(await example(number), ns);
    await printed.vss(ns, 'database-credentials');
    const secret = await printed.secret(ns, 'database-credentials');
    assert.deepEqual(valuesOf(secret), { username: 'root', password: 's3cr3t' });
    assert.equal(secret.metadata.labels.app, number === 1 ? 'db' : undefined);
    assert.equal(secret.metadata.annotations?.env, number === 1 ? 'prod' : undefined);
  }
  // Two URLs that lead to one Safe share one answer.
  assert.ok(printed.stage.safe.reads.length <= 2);
});

test('a resource that becomes right shows no failure any more, and says since when it failed while it does', async () => {
  const ns = await tenant('heals');
  await scene.apply(vss('db', { data: [{ key: 'username', ref: `${ns}.cocaCola.data.nothing` }] }), ns);
  const failed = await scene.vss(ns, 'db', failsWith('RefNotFound'));
  assert.match(failed.status.failure.since, /Z$/);
  assert.match(failed.status.failure.message, /spec\.data\[0\]\.ref/);
  assert.deepEqual(
    failed.status.conditions.map((one: any) => [one.type, one.status, one.reason]),
    [
      ['Ready', 'False', 'RefNotFound'],
      ['Stalled', 'True', 'RefNotFound'],
    ],
  );
  await scene.secret(ns, 'db', (secret) => secret === undefined);
  await scene.apply(vss('db', { data: [username(ns)] }), ns);
  const { status } = await scene.vss(ns, 'db');
  assert.deepEqual(
    status.conditions.map((one: any) => [one.type, one.status, one.reason]),
    [['Ready', 'True', 'Synced']],
  );
  assert.equal(status.failure, undefined);
  assert.deepEqual(
    (await scene.events(ns, 'db')).map(({ reason }: any) => reason),
    ['RefNotFound', 'Recovered'],
  );
});

test('deleting the VSecMSecret stops all work on its Secret', async () => {
  const ns = await tenant('gone');
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'db');
  await scene.stage.cluster.admin.ok('DELETE', `${vssPath(ns, 'db')}?propagationPolicy=Orphan`);
  const from = scene.agent.log.lines.length;
  await scene.stage.cluster.request('DELETE', secretPath(ns, 'db'));
  // Another resource's Secret is written after that, so the agent has seen the deletion.
  await scene.apply(vss('other', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'other');
  assert.equal(
    scene.agent.log.lines.slice(from).some(({ secret }) => secret === 'db'),
    false,
  );
  await scene.secret(ns, 'db', (secret) => secret === undefined);
});
