import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failsWith, secretPath, vssPath } from '../stage/await-object.ts';
import { credentials, Scene, valuesOf, vss } from '../stage/scene.ts';

let scene: Scene;

before(async () => {
  scene = await Scene.start();
});
after(() => scene.close());

async function tenant(namespace: string): Promise<string> {
  await scene.stage.namespace(namespace);
  await scene.register(namespace, credentials(), [namespace]);
  return namespace;
}

const password = (secret: string) => ({ key: 'password', ref: `${secret}.cocaCola.data.password` });
const theirs = (name: string, data: Record<string, string>, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, ...metadata },
  stringData: data,
});
const isApplied = { verb: 'patch' as const, resource: 'secrets', apply: true };

/** The whole Secret but for what changes with every write. */
const contentOf = ({ kind: _, apiVersion: __, ...secret }: any) => ({
  ...secret,
  metadata: { ...secret.metadata, resourceVersion: '', managedFields: [] },
});

test('a Secret that somebody else made is left as it is, and the resource says whose turn it is', async () => {
  const ns = await tenant('theirs');
  const { metadata } = await scene.stage.cluster.admin.ok(
    'POST',
    `/api/v1/namespaces/${ns}/secrets`,
    theirs('db', { password: 'theirs' }),
  );
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  const { status } = await scene.vss(ns, 'db', failsWith('TargetConflict'));
  assert.match(status.failure.message, /Secret db exists and belongs to somebody else/);
  assert.match(status.failure.hint, /kubectl annotate secret db -n theirs vsecm\.com\/allow-adoption=true/);
  assert.equal((await scene.secret(ns, 'db')).metadata.resourceVersion, metadata.resourceVersion);
  assert.deepEqual(
    (await scene.events(ns, 'db')).map(({ type, reason }: any) => [type, reason]),
    [['Warning', 'TargetConflict']],
  );
});

for (const [kind, data] of Object.entries({
  'the same key': { password: 'theirs' },
  'another key': { other: 'theirs' },
})) {
  test(`a Secret with ${kind} that somebody makes in the middle of our first write is left as it is`, async () => {
    const ns = await tenant(`middle-${kind.startsWith('the') ? 'same' : 'other'}`);
    let made: any;
    scene.stage.cluster.controls.before({ ...isApplied, namespace: ns, name: 'db' }, async () => {
      made = await scene.stage.cluster.admin.ok(
        'POST',
        `/api/v1/namespaces/${ns}/secrets`,
        theirs('db', data),
      );
    });
    await scene.apply(vss('db', { data: [password(ns)] }), ns);
    await scene.vss(ns, 'db', failsWith('TargetConflict'));
    assert.deepEqual(contentOf(await scene.secret(ns, 'db')), contentOf(made));
  });
}

test('whoever may write a Secret lets the agent take it over, and their other keys stay', async () => {
  const ns = await tenant('consent');
  await scene.stage.cluster.admin.ok(
    'POST',
    `/api/v1/namespaces/${ns}/secrets`,
    theirs('db', { password: 'old', other: 'kept' }),
  );
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'db', failsWith('TargetConflict'));
  await scene.patch(secretPath(ns, 'db'), {
    metadata: { annotations: { 'vsecm.com/allow-adoption': 'true' } },
  });
  await scene.refresh(ns, 'db');
  const secret = await scene.secret(ns, 'db', (one) => valuesOf(one)['password'] === 's3cr3t');
  assert.deepEqual(valuesOf(secret), { password: 's3cr3t', other: 'kept' });
  // Not made by an agent: tools that go by this label must not think so.
  assert.equal(secret.metadata.labels['app.kubernetes.io/managed-by'], undefined);
  await scene.vss(ns, 'db');
});

test('of two resources that name one Secret the first keeps it, and the other takes it up when that one goes', async () => {
  const ns = await tenant('two');
  await scene.apply(vss('first', { target: { name: 'db' }, data: [password(ns)] }), ns);
  await scene.vss(ns, 'first');
  const { metadata } = await scene.secret(ns, 'db');
  await scene.apply(vss('second', { target: { name: 'db' }, data: [password(ns)] }), ns);
  const { status } = await scene.vss(ns, 'second', failsWith('TargetConflict'));
  assert.match(status.failure.message, /held by VSecMSecret first/);
  await scene.stage.cluster.admin.ok('DELETE', `${vssPath(ns, 'first')}?propagationPolicy=Orphan`);
  const { metadata: second } = await scene.vss(ns, 'second');
  // Handed over in place: nothing that mounts it sees it go.
  const after = await scene.secret(ns, 'db');
  assert.equal(after.metadata.uid, metadata.uid);
  assert.deepEqual(
    after.metadata.ownerReferences.map((owner: any) => owner.uid),
    [second.uid],
  );
});

test('another agent’s write is not undone from an answer that is older than it', async () => {
  const ns = await tenant('two-owners');
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'db');
  const { metadata } = await scene.secret(ns, 'db');
  // What another owner fetched and wrote, while this one still holds its old answer.
  await scene.register(ns, credentials('root', 'newer'), [ns]);
  const reads = scene.stage.safe.reads.length;
  // managedFields tell of an agent's write by its time, in whole seconds.
  while (new Date().toISOString().slice(0, 19) <= metadata.managedFields[0].time.slice(0, 19))
    await new Promise((resolve) => setImmediate(resolve));
  await scene.stage.cluster.admin.ok(
    'PATCH',
    `${secretPath(ns, 'db')}?fieldManager=vsecm-agent&force=true`,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db', labels: metadata.labels, ownerReferences: metadata.ownerReferences },
      data: { password: Buffer.from('newer').toString('base64') },
    },
    { 'content-type': 'application/apply-patch+yaml' },
  );
  await scene.stage.safe.whenRead(reads + 1);
  // The next resource is synchronised after that look, so it has had its effect if there was one.
  await scene.apply(
    vss('later', { data: [password(ns)] }, { annotations: { 'vsecm.com/refresh': '1' } }),
    ns,
  );
  await scene.vss(ns, 'later');
  assert.deepEqual(valuesOf(await scene.secret(ns, 'db')), { password: 'newer' });
});

test('a write that meets a newer version of the Secret is decided anew, from what is known', async () => {
  const ns = await tenant('conflict');
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'db');
  await scene.register(ns, credentials('root', 'second'), [ns]);
  scene.stage.cluster.controls.before({ ...isApplied, namespace: ns, name: 'db' }, async () => {
    await scene.patch(secretPath(ns, 'db'), { metadata: { annotations: { theirs: 'in between' } } });
  });
  await scene.refresh(ns, 'db');
  const secret = await scene.secret(ns, 'db', (one) => valuesOf(one)['password'] === 'second');
  assert.equal(secret.metadata.annotations.theirs, 'in between');
});

test('a Secret that was deleted in the middle of a write is not brought back half', async () => {
  const ns = await tenant('deleted');
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  await scene.vss(ns, 'db');
  const { metadata } = await scene.secret(ns, 'db');
  await scene.register(ns, credentials('root', 'second'), [ns]);
  scene.stage.cluster.controls.before({ ...isApplied, namespace: ns, name: 'db' }, () =>
    scene.stage.cluster.admin.ok('DELETE', secretPath(ns, 'db')),
  );
  await scene.refresh(ns, 'db');
  const secret = await scene.secret(
    ns,
    'db',
    (one) => one !== undefined && one.metadata.uid !== metadata.uid,
  );
  assert.deepEqual(valuesOf(secret), { password: 'second' });
  assert.equal(secret.metadata.ownerReferences.length, 1);
});

test('a write whose answer is lost is made good', async () => {
  const ns = await tenant('lost');
  scene.stage.cluster.controls.lose({ ...isApplied, namespace: ns, name: 'db' });
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  const { status } = await scene.vss(ns, 'db');
  const secret = await scene.secret(ns, 'db');
  assert.deepEqual(valuesOf(secret), { password: 's3cr3t' });
  assert.equal(status.secret.resourceVersion, secret.metadata.resourceVersion);
});

test('an API server that refuses for a while is asked again, and the Secret is written once it does not', async () => {
  const ns = await tenant('refused');
  const undo = scene.stage.cluster.controls.fail({ ...isApplied, namespace: ns }, { status: 503 });
  await scene.apply(vss('db', { data: [password(ns)] }), ns);
  const { status } = await scene.vss(ns, 'db', failsWith('ApiUnavailable'));
  // It passes by itself, so nobody is called.
  assert.deepEqual(
    status.conditions.map((one: any) => [one.type, one.status]),
    [['Ready', 'False']],
  );
  undo();
  await scene.vss(ns, 'db');
});
