import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MERGE } from '../devcluster/api-client.ts';
import { A, B, C, Fixture, fieldsOf, METADATA, told } from './fixture.ts';

const f = new Fixture();
const STALE = { status: 409, reason: 'Conflict', causes: [] };

test('an apply to an absent object creates it', async () => {
  const answer = await f.applySecret(
    { type: 'Opaque', data: { k: A } },
    { labels: { l: '1' }, annotations: { 'a.b/c': 'x' } },
  );
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.body.data, { k: A });
  assert.equal(answer.body.type, 'Opaque');
  assert.match(answer.body.metadata.resourceVersion, /^\d+$/);
  assert.deepEqual(fieldsOf(answer.body, 'agent'), {
    'f:data': { 'f:k': {} },
    'f:metadata': { 'f:annotations': { 'f:a.b/c': {} }, 'f:labels': { 'f:l': {} } },
    'f:type': {},
  });
  assert.match(answer.body.metadata.managedFields[0].time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('a type that was not applied is filled in and belongs to nobody', async () => {
  const { body } = await f.applySecret({ data: { k: A } });
  assert.equal(body.type, 'Opaque');
  assert.deepEqual(fieldsOf(body, 'agent'), { 'f:data': { 'f:k': {} } });
});

test('an apply to an absent object ignores the resourceVersion: a deleted Secret comes back', async () => {
  const first = await f.applySecret({ data: { k: A } });
  await f.api.ok('DELETE', f.secrets('s'));
  const again = await f.applySecret(
    { data: { k: A } },
    { resourceVersion: first.body.metadata.resourceVersion },
  );
  assert.equal(again.status, 201);
  assert.notEqual(again.body.metadata.uid, first.body.metadata.uid);
});

test('an apply to an absent object with a uid is a conflict', async () => {
  const answer = await f.applySecret({ data: { k: A } }, { uid: '11111111-2222-3333-4444-555555555555' });
  assert.deepEqual(told(answer), STALE);
  assert.equal((await f.api.request('GET', f.secrets('s'))).status, 404);
});

test('an apply with an old resourceVersion is a conflict, also with force', async () => {
  const first = await f.applySecret({ data: { k: A } });
  await f.applySecret({ data: { k: B } });
  const { resourceVersion } = first.body.metadata;
  assert.deepEqual(
    told(await f.applySecret({ data: { k: C } }, { resourceVersion }, { force: true })),
    STALE,
  );
  assert.deepEqual((await f.secret()).data, { k: B });
});

test('an apply with the current uid and resourceVersion succeeds', async () => {
  const { body } = await f.applySecret({ data: { k: A } });
  const { uid, resourceVersion } = body.metadata;
  const answer = await f.applySecret({ data: { k: B } }, { uid, resourceVersion }, { force: true });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body.data, { k: B });
});

test('an apply with another uid is invalid', async () => {
  await f.applySecret({ data: { k: A } });
  const answer = await f.applySecret(
    { data: { k: B } },
    { uid: '11111111-2222-3333-4444-555555555555' },
    { force: true },
  );
  const { causes, ...more } = told(answer);
  assert.deepEqual(more, { status: 422, reason: 'Invalid' });
  // kube-apiserver 1.34 says it twice.
  const [cause, again = cause] = causes;
  assert.deepEqual(cause, { reason: 'FieldValueInvalid', field: 'metadata.uid' });
  assert.deepEqual(again, cause);
});

test('an apply over a foreign value is a field manager conflict and changes nothing', async () => {
  const { body: before } = await f.applySecret(
    { data: { k: A } },
    { labels: { 'a.b/c': '1' } },
    { manager: 'other' },
  );
  const answer = await f.applySecret({ data: { k: B, own: B } }, { labels: { 'a.b/c': '2' } });
  assert.deepEqual(told(answer), {
    status: 409,
    reason: 'Conflict',
    causes: [
      { reason: 'FieldManagerConflict', field: '.data.k' },
      { reason: 'FieldManagerConflict', field: '.metadata.labels.a.b/c' },
    ],
  });
  assert.deepEqual(await f.secret(), before);
});

test('an apply over what POST wrote is a field manager conflict, even of the same manager', async () => {
  await f.api.ok('POST', `${f.secrets()}?fieldManager=agent`, { metadata: { name: 's' }, data: { k: A } });
  const answer = await f.applySecret({ data: { k: B } });
  assert.deepEqual(told(answer), {
    status: 409,
    reason: 'Conflict',
    causes: [{ reason: 'FieldManagerConflict', field: '.data.k' }],
  });
});

test('an apply of fields beside foreign ones succeeds and both own theirs', async () => {
  await f.applySecret({ data: { k: A } }, {}, { manager: 'other' });
  const answer = await f.applySecret({ data: { own: B } });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body.data, { k: A, own: B });
  assert.deepEqual(fieldsOf(answer.body, 'other'), { 'f:data': { 'f:k': {} } });
  assert.deepEqual(fieldsOf(answer.body, 'agent'), { 'f:data': { 'f:own': {} } });
});

test('an apply of a value equal to a foreign one succeeds, both own it, and the new entry has no time', async () => {
  await f.applySecret({ data: { k: A } }, {}, { manager: 'other' });
  const answer = await f.applySecret({ data: { k: A } });
  assert.equal(answer.status, 200);
  for (const manager of ['other', 'agent'])
    assert.deepEqual(fieldsOf(answer.body, manager), { 'f:data': { 'f:k': {} } });
  const entry = answer.body.metadata.managedFields.find(({ manager }: any) => manager === 'agent');
  assert.equal(entry.time, undefined);
});

test('what two own stays when one of them stops applying it', async () => {
  await f.applySecret({ data: { k: A } }, {}, { manager: 'other' });
  await f.applySecret({ data: { k: A, own: B } });
  const answer = await f.applySecret({ data: { own: B } });
  assert.deepEqual(answer.body.data, { k: A, own: B });
  assert.deepEqual(fieldsOf(answer.body, 'agent'), { 'f:data': { 'f:own': {} } });
});

test('an apply that changes nothing leaves the resourceVersion', async () => {
  const first = await f.applySecret({ data: { k: A } });
  const again = await f.applySecret({ data: { k: A } });
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, first.body);
});

test('keys that leave the applied set are removed, keys of others are not', async () => {
  await f.api.ok('POST', `${f.secrets()}?fieldManager=poster`, {
    metadata: { name: 's' },
    data: { theirs: A },
  });
  await f.applySecret({ data: { k: A, gone: B } }, { labels: { l: '1' } });
  const answer = await f.applySecret({ data: { k: A } });
  assert.deepEqual(answer.body.data, { theirs: A, k: A });
  assert.equal(answer.body.metadata.labels, undefined);
});

test('two applies by one manager prune each other', async () => {
  await f.applySecret({ data: { one: A } });
  const answer = await f.applySecret({ data: { two: B } });
  assert.deepEqual(answer.body.data, { two: B });
});

test('a forced apply takes the field, and giving it back destroys it', async () => {
  await f.applySecret({ data: { k: A, stays: A } }, {}, { manager: 'other' });
  const taken = await f.applySecret({ data: { k: B } }, {}, { force: true });
  assert.equal(taken.status, 200);
  assert.deepEqual(taken.body.data, { k: B, stays: A });
  assert.deepEqual(fieldsOf(taken.body, 'other'), { 'f:data': { 'f:stays': {} } });
  const givenBack = await f.applySecret({});
  assert.deepEqual(givenBack.body.data, { stays: A });
  assert.equal(fieldsOf(givenBack.body, 'agent'), undefined);
});

test('giving back what another owns too leaves it', async () => {
  await f.applySecret({ data: { k: A } }, {}, { manager: 'other' });
  const { body } = await f.applySecret({ data: { k: A } });
  const { uid, resourceVersion } = body.metadata;
  const answer = await f.applySecret({}, { uid, resourceVersion });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body.data, { k: A });
  assert.equal(fieldsOf(answer.body, 'agent'), undefined);
});

test('giving back empties a Secret that two owners of one manager meant', async () => {
  await f.applySecret({ data: { k: A } });
  const second = await f.applySecret({ data: { k: A } });
  assert.equal(second.status, 200);
  const answer = await f.applySecret({});
  assert.equal(answer.body.data, undefined);
  assert.equal(answer.body.metadata.managedFields, undefined);
});

test('an apply of nothing to an absent object creates an empty one', async () => {
  const answer = await f.applySecret({});
  assert.equal(answer.status, 201);
  assert.equal(answer.body.data, undefined);
});

test('what POST set belongs to Update and stays when an apply does not name it', async () => {
  const posted = await f.api.ok('POST', `${f.secrets()}?fieldManager=agent`, {
    metadata: { name: 's', labels: { l: '1' } },
    data: { k: A },
  });
  assert.deepEqual(fieldsOf(posted, 'agent', 'Update'), {
    'f:data': { '.': {}, 'f:k': {} },
    'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } },
    'f:type': {},
  });
  const { body } = await f.applySecret({ data: { own: B } });
  assert.deepEqual(body.data, { k: A, own: B });
  assert.deepEqual(fieldsOf(body, 'agent', 'Update')['f:data'], { '.': {}, 'f:k': {} });
});

test('an edit takes over the fields that it changes', async () => {
  await f.applySecret({ data: { k: A, l: A, m: A } });
  const edited = await f.api.ok(
    'PATCH',
    `${f.secrets('s')}?fieldManager=editor`,
    { data: { k: B, l: null, z: C } },
    { 'content-type': MERGE },
  );
  assert.deepEqual(fieldsOf(edited, 'agent'), { 'f:data': { 'f:m': {} } });
  assert.deepEqual(fieldsOf(edited, 'editor', 'Update'), { 'f:data': { 'f:k': {}, 'f:z': {} } });
  const repaired = await f.applySecret({ data: { k: A, l: A, m: A } }, {}, { force: true });
  assert.deepEqual(repaired.body.data, { k: A, l: A, m: A, z: C });
  assert.deepEqual(fieldsOf(repaired.body, 'editor', 'Update'), { 'f:data': { 'f:z': {} } });
});

test('an edit that changes nothing leaves the resourceVersion and takes nothing over', async () => {
  const { body } = await f.applySecret({ data: { k: A } });
  const edited = await f.api.ok(
    'PATCH',
    `${f.secrets('s')}?fieldManager=editor`,
    { data: { k: A } },
    { 'content-type': MERGE },
  );
  assert.deepEqual(edited, body);
});

test('owner references are items by uid, each taken whole', async () => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u-1' };
  const { body } = await f.applySecret({}, { ownerReferences: [owner] });
  assert.deepEqual(body.metadata.ownerReferences, [owner]);
  assert.deepEqual(fieldsOf(body, 'agent'), {
    'f:metadata': { 'f:ownerReferences': { 'k:{"uid":"u-1"}': {} } },
  });
  const other = { ...owner, uid: 'u-2' };
  const both = await f.applySecret({}, { ownerReferences: [other] }, { manager: 'other' });
  assert.deepEqual(both.body.metadata.ownerReferences, [owner, other]);
  const left = await f.applySecret({});
  assert.deepEqual(left.body.metadata.ownerReferences, [other]);
});

test('a PATCH that asks for metadata returns no values, and managedFields name the keys', async () => {
  const { status, body } = await f.applySecret({ data: { k: A } }, {}, { headers: METADATA });
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(body).sort(), ['apiVersion', 'kind', 'metadata']);
  assert.equal(body.kind, 'PartialObjectMetadata');
  assert.equal(body.apiVersion, 'meta.k8s.io/v1');
  assert.deepEqual(fieldsOf(body, 'agent'), { 'f:data': { 'f:k': {} } });
  assert.equal(JSON.stringify(body).includes(A), false);
});

test('an immutable Secret can be neither changed, nor given back, nor made mutable', async () => {
  await f.applySecret({ immutable: true, data: { k: A } });
  const forbidden = (...fields: string[]): unknown => ({
    status: 422,
    reason: 'Invalid',
    causes: fields.map((field) => ({ reason: 'FieldValueForbidden', field })),
  });
  assert.deepEqual(told(await f.applySecret({ immutable: true, data: { k: B } })), forbidden('data'));
  assert.deepEqual(told(await f.applySecret({ data: { k: A } })), forbidden('immutable'));
  assert.deepEqual(told(await f.applySecret({})), forbidden('immutable', 'data'));
  assert.equal(
    (await f.applySecret({ immutable: true, data: { k: A } }, { labels: { l: '1' } })).status,
    200,
  );
});

test('an apply needs a field manager, and an object that fits its path', async () => {
  const none = await f.apply(
    f.secrets('s'),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } },
    { manager: '' },
  );
  assert.deepEqual(told(none), {
    status: 422,
    reason: 'Invalid',
    causes: [{ reason: 'FieldValueRequired', field: 'fieldManager' }],
  });
  const managed = await f.applySecret({}, { managedFields: [{}] });
  assert.equal(managed.status, 400);
  const kind = await f.apply(f.secrets('s'), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 's' },
  });
  assert.equal(kind.status, 400);
  const name = await f.apply(f.secrets('s'), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'other' },
  });
  assert.equal(name.status, 400);
});
