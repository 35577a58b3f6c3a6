import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MERGE } from '../devcluster/api-client.ts';
import { Fixture, fieldsOf, told, widget, WIDGETS } from './fixture.ts';

const f = new Fixture((cluster) => cluster.apply(WIDGETS));

test('a new resource has its defaults, generation 1 and no status but the default one', async () => {
  const body = await f.api.ok(
    'POST',
    f.widgets(),
    widget('w', { spec: { data: [{ key: 'a', ref: 'r' }], unknown: 1 }, status: { node: 'x' } }),
  );
  assert.deepEqual(body.spec, {
    interval: '1h',
    target: { policy: 'Owner' },
    data: [{ key: 'a', ref: 'r' }],
  });
  assert.deepEqual(body.status, { observedGeneration: -1 });
  assert.equal(body.metadata.generation, 1);
  assert.deepEqual(await f.api.ok('GET', f.widgets('w')), body);
});

test('generation counts changes of the spec alone', async () => {
  await f.apply(f.widgets('w'), widget('w', { spec: { interval: '1h' } }));
  const generation = async (content: object, metadata: object = {}): Promise<number> =>
    (await f.apply(f.widgets('w'), widget('w', content, metadata))).body.metadata.generation;
  assert.equal(
    await generation({ spec: { interval: '1h' } }, { labels: { l: '1' }, annotations: { a: 'b' } }),
    1,
  );
  assert.equal(await generation({ spec: { interval: '2h' } }), 2);
  await f.apply(f.widgets('w'), widget('w', { status: { node: 'n' } }), { subresource: 'status' });
  assert.equal(await generation({ spec: { interval: '2h' } }), 2);
});

test('items of a keyed list have owners of their own', async () => {
  await f.apply(f.widgets('w'), widget('w', { spec: { data: [{ key: 'a', ref: '1' }] } }), {
    manager: 'other',
  });
  const { body } = await f.apply(f.widgets('w'), widget('w', { spec: { data: [{ key: 'b', ref: '2' }] } }));
  assert.deepEqual(body.spec.data, [
    { key: 'a', ref: '1' },
    { key: 'b', ref: '2' },
  ]);
  assert.deepEqual(fieldsOf(body, 'agent'), {
    'f:spec': { 'f:data': { 'k:{"key":"b"}': { '.': {}, 'f:key': {}, 'f:ref': {} } } },
  });
  const conflict = await f.apply(f.widgets('w'), widget('w', { spec: { data: [{ key: 'a', ref: '2' }] } }));
  assert.deepEqual(told(conflict), {
    status: 409,
    reason: 'Conflict',
    causes: [{ reason: 'FieldManagerConflict', field: '.spec.data[key="a"].ref' }],
  });
});

test('the status subresource writes status and nothing else', async () => {
  await f.apply(f.widgets('w'), widget('w', { spec: { interval: '1h' } }), { manager: 'user' });
  const status = {
    observedGeneration: 1,
    node: 'n',
    conditions: [{ type: 'Ready', status: 'True', reason: 'Synced' }],
  };
  const { status: code, body } = await f.apply(
    f.widgets('w'),
    widget('w', { spec: { interval: '9h' }, status }, { labels: { l: '1' } }),
    { subresource: 'status' },
  );
  assert.equal(code, 200);
  assert.deepEqual(body.status, status);
  assert.equal(body.spec.interval, '1h');
  assert.equal(body.metadata.labels, undefined);
  const entry = body.metadata.managedFields.find(({ manager }: any) => manager === 'agent');
  assert.equal(entry.subresource, 'status');
  // kube-apiserver 1.34 notes who applied labels beside a status, though it does not store them.
  const { 'f:metadata': _labels, ...fields } = entry.fieldsV1;
  assert.deepEqual(fields, {
    'f:status': {
      'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:reason': {}, 'f:status': {}, 'f:type': {} } },
      'f:node': {},
      'f:observedGeneration': {},
    },
  });
});

test('the main resource does not write status', async () => {
  await f.apply(f.widgets('w'), widget('w', {}));
  await f.apply(f.widgets('w'), widget('w', { status: { node: 'n' } }), { subresource: 'status' });
  for (const type of ['apply', 'merge']) {
    const patch = widget('w', { status: { node: 'other' } }, { labels: { type } });
    const answer =
      type === 'apply'
        ? await f.apply(f.widgets('w'), patch)
        : await f.api.request('PATCH', f.widgets('w'), patch, { 'content-type': MERGE });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.status.node, 'n');
    assert.equal(answer.body.metadata.labels.type, type);
  }
});

test('what leaves the applied status goes, and a condition is one item by its type', async () => {
  const put = (status: object, manager = 'agent') =>
    f.apply(f.widgets('w'), widget('w', { status }), { subresource: 'status', manager, force: true });
  await f.apply(f.widgets('w'), widget('w', { spec: { interval: '2h' } }));
  await put({ observedGeneration: 0, conditions: [{ type: 'Theirs', status: 'True' }] }, 'other');
  await put({
    observedGeneration: 1,
    node: 'n',
    failure: { code: 'c', hint: 'h' },
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'Stalled', status: 'True' },
    ],
  });
  const { body } = await put({ observedGeneration: 2, conditions: [{ type: 'Ready', status: 'True' }] });
  assert.deepEqual(body.status, {
    observedGeneration: 2,
    conditions: [
      { type: 'Theirs', status: 'True' },
      { type: 'Ready', status: 'True' },
    ],
  });
});

test('a status that is the same again leaves the resourceVersion, an old resourceVersion is a conflict', async () => {
  const { body: created } = await f.apply(f.widgets('w'), widget('w', {}));
  const put = (metadata: object = {}) =>
    f.apply(f.widgets('w'), widget('w', { status: { node: 'n' } }, metadata), { subresource: 'status' });
  const first = await put({ uid: created.metadata.uid, resourceVersion: created.metadata.resourceVersion });
  assert.equal(first.status, 200);
  assert.deepEqual((await put()).body, first.body);
  const { resourceVersion } = created.metadata;
  assert.deepEqual(told(await put({ resourceVersion })), { status: 409, reason: 'Conflict', causes: [] });
});

test('where nobody owns anything yet, the first apply finds the defaults owned by before-first-apply', async () => {
  await f.api.ok('POST', f.widgets(), widget('w'));
  const put = (status: object, force: boolean) =>
    f.apply(f.widgets('w'), widget('w', { status }), { subresource: 'status', force });
  const first = await put({ observedGeneration: 1 }, false);
  assert.deepEqual(told(first), {
    status: 409,
    reason: 'Conflict',
    causes: [{ reason: 'FieldManagerConflict', field: '.status.observedGeneration' }],
  });
  const forced = await put({ observedGeneration: 1 }, true);
  assert.equal(forced.status, 200);
  assert.deepEqual(fieldsOf(forced.body, 'before-first-apply', 'Update'), { 'f:status': {} });
  assert.deepEqual(fieldsOf(forced.body, 'agent'), { 'f:status': { 'f:observedGeneration': {} } });
});

test('a merge patch of status works too', async () => {
  await f.apply(f.widgets('w'), widget('w', {}));
  await f.apply(f.widgets('w'), widget('w', { status: { node: 'n', observedGeneration: 1 } }), {
    subresource: 'status',
  });
  const { status } = await f.api.ok(
    'PATCH',
    `${f.widgets('w')}/status`,
    { spec: { interval: '9h' }, status: { node: null, observedGeneration: 2 } },
    { 'content-type': MERGE },
  );
  assert.deepEqual(status, { observedGeneration: 2 });
});

test('the status of an absent resource is 404, and stays absent', async () => {
  const answer = await f.apply(f.widgets('none'), widget('none', { status: { node: 'n' } }), {
    subresource: 'status',
  });
  assert.deepEqual(told(answer), { status: 404, reason: 'NotFound', causes: [] });
});

test('an applied field that the schema does not know is an error', async () => {
  const answer = await f.apply(f.widgets('w'), widget('w', { spec: { unknown: 1 } }));
  assert.equal(answer.status, 500);
});

test('an update needs a resourceVersion', async () => {
  await f.apply(f.widgets('w'), widget('w', {}));
  const answer = await f.api.request('PUT', f.widgets('w'), widget('w', { spec: { interval: '2h' } }));
  assert.deepEqual(told(answer), {
    status: 422,
    reason: 'Invalid',
    causes: [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion' }],
  });
});

test('a finalizer holds a deletion back, and a deletion counts as a generation', async () => {
  await f.api.ok('POST', f.widgets(), widget('w', {}, { finalizers: ['example.com/wait'] }));
  const { metadata } = await f.api.ok('DELETE', f.widgets('w'));
  assert.equal(metadata.generation, 2);
  assert.match(metadata.deletionTimestamp, /Z$/);
});

test('the items of a list of custom resources name their kind', async () => {
  await f.apply(f.widgets('w'), widget('w', {}));
  const { kind, items } = await f.api.ok('GET', f.widgets());
  assert.deepEqual(
    [kind, items[0].kind, items[0].apiVersion],
    ['WidgetList', 'Widget', 'contract.example.com/v1'],
  );
});

test('with its definition the resources of a kind go', async () => {
  const gadgets = JSON.parse(
    JSON.stringify(WIDGETS).replaceAll('widget', 'gadget').replaceAll('Widget', 'Gadget'),
  );
  await f.cluster.apply(gadgets);
  const path = f.widgets().replace('widgets', 'gadgets');
  await f.api.ok('POST', path, {
    apiVersion: 'contract.example.com/v1',
    kind: 'Gadget',
    metadata: { name: 'g' },
  });
  const watch = await f.api.watch(`${path}?watch=true`);
  assert.equal((await watch.next())?.type, 'ADDED');
  await f.api.ok(
    'DELETE',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.contract.example.com',
  );
  const events = await watch.until(({ type }) => type === 'DELETED');
  assert.equal(events.at(-1)?.object.metadata.name, 'g');
  while ((await f.api.request('GET', path)).status !== 404) await sleep(25);
});
