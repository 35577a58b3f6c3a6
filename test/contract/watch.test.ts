import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MERGE, type WatchEvent } from '../devcluster/api-client.ts';
import { A, B, Fixture, METADATA, told, widget, WIDGETS } from './fixture.ts';

const f = new Fixture((cluster) => cluster.apply(WIDGETS));

const names = (events: readonly WatchEvent[]): string[][] =>
  events.map(({ type, object }) => [type, object.metadata.name]);
const STREAM = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
const initialEnd = (event: WatchEvent): boolean =>
  event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';

test('a watch from a list tells what happened since, in order', async () => {
  const list = await f.api.ok('GET', f.secrets());
  const created = await f.api.ok('POST', f.secrets(), { metadata: { name: 'a' }, data: { k: A } });
  const watch = await f.api.watch(
    `${f.secrets()}?watch=true&resourceVersion=${list.metadata.resourceVersion}`,
  );
  await f.api.ok('PATCH', f.secrets('a'), { data: { k: B } }, { 'content-type': MERGE });
  await f.api.ok('DELETE', f.secrets('a'));
  const events = await watch.until(({ type }) => type === 'DELETED');
  assert.deepEqual(names(events), [
    ['ADDED', 'a'],
    ['MODIFIED', 'a'],
    ['DELETED', 'a'],
  ]);
  assert.deepEqual(events[0]?.object, created);
  const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.deepEqual(
    versions,
    [...versions].sort((one, other) => one - other),
  );
  assert.equal(new Set(versions).size, 3);
  watch.close();
});

test('a watch resumed from its last event tells nothing twice', async () => {
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'a' } });
  const first = await f.api.watch(`${f.secrets()}?watch=true`);
  const seen = await first.next();
  first.close();
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'b' } });
  const second = await f.api.watch(
    `${f.secrets()}?watch=true&resourceVersion=${seen?.object.metadata.resourceVersion}`,
  );
  assert.deepEqual(names([(await second.next())!]), [['ADDED', 'b']]);
  second.close();
});

test('without a resourceVersion, and with 0, the present state comes first, and a bookmark ends it', async () => {
  for (const name of ['a', 'b']) await f.api.ok('POST', f.secrets(), { metadata: { name } });
  for (const query of ['', '&resourceVersion=0']) {
    const watch = await f.api.watch(`${f.secrets()}?watch=true&allowWatchBookmarks=true${query}`);
    assert.deepEqual(names([(await watch.next())!, (await watch.next())!]).sort(), [
      ['ADDED', 'a'],
      ['ADDED', 'b'],
    ]);
    assert.ok(initialEnd((await watch.next())!));
    watch.close();
  }
});

test('sendInitialEvents streams the state and ends it with a bookmark', async () => {
  for (const name of ['a', 'b']) await f.api.ok('POST', f.secrets(), { metadata: { name } });
  for (const headers of [{}, METADATA]) {
    const watch = await f.api.watch(`${f.secrets()}?${STREAM}`, headers);
    const events = await watch.until(initialEnd);
    assert.deepEqual(names(events.slice(0, 2)).sort(), [
      ['ADDED', 'a'],
      ['ADDED', 'b'],
    ]);
    assert.equal(events.length, 3);
    const { type, object } = events[2]!;
    assert.equal(type, 'BOOKMARK');
    assert.equal(object.kind, headers === METADATA ? 'PartialObjectMetadata' : 'Secret');
    assert.ok(Number(object.metadata.resourceVersion) >= Number(events[1]?.object.metadata.resourceVersion));
    await f.api.ok('POST', f.secrets(), { metadata: { name: headers === METADATA ? 'd' : 'c' } });
    assert.equal((await watch.next())?.type, 'ADDED');
    await f.api.request('DELETE', f.secrets('c'));
    watch.close();
  }
});

test('sendInitialEvents of nothing is the bookmark alone, also of custom resources', async () => {
  const watch = await f.api.watch(`${f.widgets()}?${STREAM}`);
  const event = await watch.next();
  assert.equal(event?.type, 'BOOKMARK');
  assert.equal(event.object.kind, 'Widget');
  assert.ok(initialEnd(event));
  watch.close();
});

test('sendInitialEvents and resourceVersionMatch need each other', async () => {
  for (const query of ['sendInitialEvents=true', 'resourceVersionMatch=NotOlderThan&resourceVersion=0']) {
    const answer = await f.api.request('GET', `${f.secrets()}?watch=true&${query}`);
    assert.deepEqual(told(answer), {
      status: 422,
      reason: 'Invalid',
      causes: [{ reason: 'FieldValueForbidden', field: 'resourceVersionMatch' }],
    });
  }
});

test('a watch of metadata carries no values', async () => {
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'a' }, data: { k: A } });
  const watch = await f.api.watch(`${f.secrets()}?watch=true`, METADATA);
  const event = await watch.next();
  assert.equal(event?.object.kind, 'PartialObjectMetadata');
  assert.equal(event.object.apiVersion, 'meta.k8s.io/v1');
  assert.deepEqual(Object.keys(event.object).sort(), ['apiVersion', 'kind', 'metadata']);
  watch.close();
});

test('an object that loses the selected label arrives as DELETED, one that gets it as ADDED', async () => {
  const label = (value: string | null): Promise<any> =>
    f.api.ok('PATCH', f.secrets('a'), { metadata: { labels: { mine: value } } }, { 'content-type': MERGE });
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'a', labels: { mine: 'true' } } });
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'other' } });
  const watch = await f.api.watch(`${f.secrets()}?watch=true&labelSelector=mine%3Dtrue`, METADATA);
  assert.deepEqual(names([(await watch.next())!]), [['ADDED', 'a']]);
  const stripped = await label(null);
  const gone = await watch.next();
  assert.deepEqual(names([gone!]), [['DELETED', 'a']]);
  assert.deepEqual(gone?.object.metadata.labels, { mine: 'true' });
  assert.equal(gone?.object.metadata.resourceVersion, stripped.metadata.resourceVersion);
  await label('true');
  assert.deepEqual(names([(await watch.next())!]), [['ADDED', 'a']]);
  await f.api.ok('PATCH', f.secrets('a'), { data: { k: A } }, { 'content-type': MERGE });
  assert.deepEqual(names([(await watch.next())!]), [['MODIFIED', 'a']]);
  watch.close();
});

test('a watch over all namespaces sees them all, one of a namespace only its own', async () => {
  const list = await f.api.ok('GET', '/api/v1/secrets');
  const { resourceVersion } = list.metadata;
  const all = await f.api.watch(`/api/v1/secrets?watch=true&resourceVersion=${resourceVersion}`);
  const own = await f.api.watch(`${f.secrets()}?watch=true&resourceVersion=${resourceVersion}`);
  await f.api.ok('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: `for-${f.namespace}` } });
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'a' } });
  assert.deepEqual(names([(await all.next())!, (await all.next())!]), [
    ['ADDED', `for-${f.namespace}`],
    ['ADDED', 'a'],
  ]);
  assert.deepEqual(names([(await own.next())!]), [['ADDED', 'a']]);
  all.close();
  own.close();
});

// A bookmark comes about two seconds before the end, but not each time: the real one promises none.
test('a watch ends by itself after timeoutSeconds', async () => {
  const { resourceVersion } = (await f.api.ok('GET', f.secrets())).metadata;
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'a' } });
  const watch = await f.api.watch(
    `${f.secrets()}?watch=true&resourceVersion=${resourceVersion}&timeoutSeconds=3&allowWatchBookmarks=true`,
    METADATA,
  );
  const events = await watch.until(() => false);
  const [first, ...bookmarks] = events;
  assert.equal(first?.type, 'ADDED');
  for (const { type, object } of bookmarks)
    assert.deepEqual(
      [type, object.kind, Object.keys(object.metadata)],
      ['BOOKMARK', 'PartialObjectMetadata', ['resourceVersion']],
    );
});

test('a watch from a time that the server does not know any more is told 410 in an event, and ends', async () => {
  const watch = await f.api.watch(`${f.widgets()}?watch=true&resourceVersion=1`);
  const event = await watch.next();
  assert.equal(event?.type, 'ERROR');
  assert.equal(event.object.code, 410);
  assert.equal(event.object.reason, 'Expired');
  assert.equal(await watch.next(), undefined);
});

test('a change of its definition ends the watches of a custom resource', async () => {
  await f.api.ok('POST', f.widgets(), widget('a'));
  const watch = await f.api.watch(`${f.widgets()}?watch=true`);
  assert.deepEqual(names([(await watch.next())!]), [['ADDED', 'a']]);
  const changed = structuredClone(WIDGETS);
  Object.assign(changed.spec.versions[0]!.schema.openAPIV3Schema.properties.spec.properties, {
    more: { type: 'string' },
  });
  await f.cluster.apply(changed);
  assert.equal(await watch.next(), undefined);
});
