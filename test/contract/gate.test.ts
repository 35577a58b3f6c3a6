import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { ApiClient, type ApiAnswer } from '../devcluster/api-client.ts';
import { A, B, Fixture } from './fixture.ts';

// What tests may do to a client's requests must work alike in front of both servers.
const ALLOWED = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'client', namespace: 'default' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'client' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'client' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'client' },
    subjects: [{ kind: 'ServiceAccount', name: 'client', namespace: 'default' }],
  },
];
let client: ApiClient;

const f = new Fixture(async (cluster) => {
  await cluster.apply(ALLOWED);
  client = new ApiClient(await cluster.credentialsFor({ namespace: 'default', name: 'client' }));
});
after(() => client?.close());

const create = (name = 's', data: object = { k: A }): Promise<ApiAnswer> =>
  client.request('POST', f.secrets(), { metadata: { name }, data });
const get = (name = 's'): Promise<ApiAnswer> => client.request('GET', f.secrets(name));

test('a kubeconfig names the gate, and a token that the server accepts', async () => {
  const config = JSON.parse(
    await readFile(await f.cluster.kubeconfigFor({ namespace: 'default', name: 'client' }), 'utf8'),
  );
  assert.equal(config.clusters[0].cluster.server, client.credentials.server);
  const other = new ApiClient({ ...client.credentials, token: config.users[0].user.token });
  assert.equal((await other.request('GET', f.secrets())).status, 200);
  await other.close();
  await assert.rejects(f.cluster.kubeconfigFor({ namespace: 'default', name: 'no-such' }));
});

test('requests are recorded with who asked for what, and the administrator is not', async () => {
  await create();
  await f.api.ok('GET', f.secrets());
  const requests = f.cluster.controls.requests.filter(({ namespace }) => namespace === f.namespace);
  assert.equal(requests.length, 1);
  const [{ verb, group, resource, name, client: who, status, open }] = requests as [(typeof requests)[0]];
  assert.deepEqual(
    [verb, group, resource, name, who, status, open],
    ['create', '', 'secrets', '', 'system:serviceaccount:default:client', 201, false],
  );
  assert.equal(f.cluster.controls.count({ verb: 'create', namespace: f.namespace }), 1);
});

test('a failure is answered in the place of the server, as often as it was asked for', async () => {
  f.cluster.controls.fail({ verb: 'create', resource: 'secrets' }, { status: 429, retryAfter: 7 }, 1);
  const refused = await create();
  assert.deepEqual(
    [refused.status, refused.body.reason, refused.headers['retry-after']],
    [429, 'TooManyRequests', '7'],
  );
  assert.equal((await get()).status, 404);
  assert.equal((await create()).status, 201);
});

test('something can happen between the decision of a client and its request', async () => {
  f.cluster.controls.before({ verb: 'create', namespace: f.namespace }, () =>
    f.api.ok('POST', f.secrets(), { metadata: { name: 's' }, data: { k: B } }),
  );
  assert.equal((await create()).status, 409);
  assert.deepEqual((await get()).body.data, { k: B });
});

test('an answer can be held back after the server has acted, and it can be lost', async () => {
  let seen: number | undefined;
  f.cluster.controls.after(
    { verb: 'create' },
    async () => (seen = (await f.api.request('GET', f.secrets('s'))).status),
  );
  assert.equal((await create()).status, 201);
  assert.equal(seen, 200);
  f.cluster.controls.lose({ verb: 'create' });
  await assert.rejects(create('lost'));
  assert.equal((await get('lost')).status, 200);
});

test('an open watch is counted, can fall silent, and can break', async () => {
  const { controls } = f.cluster;
  const mine = { verb: 'watch', namespace: f.namespace } as const;
  const watch = await client.watch(`${f.secrets()}?watch=true`);
  assert.equal(controls.openWatches(mine).length, 1);
  await create('a');
  assert.equal((await watch.next())?.object.metadata.name, 'a');
  const speak = controls.silence(mine);
  await create('b');
  speak();
  const fresh = await client.watch(`${f.secrets()}?watch=true`);
  assert.equal((await fresh.next())?.object.metadata.name, 'a');
  await create('c');
  assert.deepEqual(
    [(await fresh.next())?.object.metadata.name, (await fresh.next())?.object.metadata.name],
    ['b', 'c'],
  );
  controls.closeWatches(mine);
  await assert.rejects(watch.next());
  await assert.rejects(fresh.next());
  assert.equal(controls.openWatches(mine).length, 0);
});

test('a client can be cut off and let in again', async () => {
  const watch = await client.watch(`${f.secrets()}?watch=true`);
  const letIn = f.cluster.controls.cut({ client: 'system:serviceaccount:default:client' });
  await assert.rejects(watch.next());
  await assert.rejects(get());
  assert.equal((await f.api.request('GET', f.secrets())).status, 200);
  letIn();
  assert.equal((await get()).status, 404);
});

test('a test can wait for a request', async () => {
  const next = f.cluster.controls.next({ verb: 'get', name: 's' });
  await get();
  assert.equal((await next).status, 404);
});
