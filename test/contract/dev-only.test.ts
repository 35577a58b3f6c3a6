import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCluster, type TestCluster } from '../cluster.ts';
import { ApiClient } from '../devcluster/api-client.ts';

// What tests can make the development server do, and no real one would on demand.
let cluster: TestCluster;
const SECRETS = '/api/v1/namespaces/default/secrets';

before(async () => {
  cluster = await startCluster({ kind: 'dev' });
});
after(() => cluster.stop());

test('history can expire: a watch is told 410, and a list that was begun cannot be continued', async () => {
  for (const name of ['a', 'b']) await cluster.admin.ok('POST', SECRETS, { metadata: { name } });
  const page = await cluster.admin.ok('GET', `${SECRETS}?limit=1`);
  cluster.dev!.expireHistory();
  const watch = await cluster.admin.watch(
    `${SECRETS}?watch=true&resourceVersion=${page.metadata.resourceVersion}`,
  );
  assert.equal((await watch.next())?.object.code, 410);
  const rest = await cluster.request('GET', `${SECRETS}?limit=1&continue=${page.metadata.continue}`);
  assert.deepEqual([rest.status, rest.body.reason], [410, 'Expired']);
  const now = await cluster.admin.ok('GET', SECRETS);
  const fresh = await cluster.admin.watch(
    `${SECRETS}?watch=true&resourceVersion=${now.metadata.resourceVersion}`,
  );
  await cluster.admin.ok('POST', SECRETS, { metadata: { name: 'c' } });
  assert.equal((await fresh.next())?.object.metadata.name, 'c');
  fresh.close();
});

test('bookmarks can be sent now, to watches that allow them', async () => {
  const { resourceVersion } = (await cluster.admin.ok('GET', SECRETS)).metadata;
  const path = `${SECRETS}?watch=true&resourceVersion=${resourceVersion}`;
  const [with_, without] = [
    await cluster.admin.watch(`${path}&allowWatchBookmarks=true`),
    await cluster.admin.watch(path),
  ];
  cluster.dev!.sendBookmarks();
  const bookmark = await with_.next();
  assert.equal(bookmark?.type, 'BOOKMARK');
  assert.deepEqual(bookmark.object.metadata, { resourceVersion });
  await cluster.admin.ok('POST', SECRETS, { metadata: { name: 'd' } });
  assert.equal((await without.next())?.type, 'ADDED');
  with_.close();
  without.close();
});

test('a token can be revoked', async () => {
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'client' } });
  const credentials = await cluster.credentialsFor({ namespace: 'default', name: 'client' });
  const client = new ApiClient(credentials);
  assert.equal((await client.request('GET', SECRETS)).status, 200);
  cluster.dev!.revoke(credentials.token!);
  assert.equal((await client.request('GET', SECRETS)).status, 401);
  await client.close();
});

test('a query parameter that is not known is refused, not ignored', async () => {
  assert.equal((await cluster.request('GET', `${SECRETS}?fieldSelector=metadata.name%3Da`)).status, 501);
});
