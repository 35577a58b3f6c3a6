import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiClient } from '../devcluster/api-client.ts';
import { A, B, Fixture, METADATA, METADATA_LIST, told } from './fixture.ts';

const f = new Fixture();

test('an absent object, namespace or kind is 404', async () => {
  assert.deepEqual(told(await f.api.request('GET', f.secrets('none'))), {
    status: 404,
    reason: 'NotFound',
    causes: [],
  });
  const apply = await f.apply('/api/v1/namespaces/no-such/secrets/s', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
  });
  assert.deepEqual(told(apply), { status: 404, reason: 'NotFound', causes: [] });
  assert.equal(apply.body.details.kind, 'namespaces');
  assert.equal((await f.api.request('GET', '/apis/no-such.example.com/v1/things')).status, 404);
});

test('a POST of a name that is there is AlreadyExists', async () => {
  await f.api.ok('POST', f.secrets(), { metadata: { name: 's' } });
  assert.deepEqual(told(await f.api.request('POST', f.secrets(), { metadata: { name: 's' } })), {
    status: 409,
    reason: 'AlreadyExists',
    causes: [],
  });
});

test('an unknown token is 401', async () => {
  const { server, caPem } = f.api.credentials;
  const stranger = new ApiClient({ server, caPem, token: 'unknown' });
  assert.deepEqual(told(await stranger.request('GET', f.secrets())), {
    status: 401,
    reason: 'Unauthorized',
    causes: [],
  });
  await stranger.close();
});

test('a namespace that is going takes nothing new, but lets what is there be written', async () => {
  await f.applySecret({ data: { k: A } });
  const gone = await f.api.ok('DELETE', `/api/v1/namespaces/${f.namespace}`);
  assert.equal(gone.status.phase, 'Terminating');
  const late = await f.apply(f.secrets('late'), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'late' },
  });
  assert.deepEqual(told(late), {
    status: 403,
    reason: 'Forbidden',
    causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }],
  });
  assert.equal((await f.applySecret({ data: { k: B } })).status, 200);
});

test('a bad label value and a bad key are told by field', async () => {
  const answer = await f.applySecret({ data: { 'a b': A } }, { labels: { l: 'not a label' } });
  assert.deepEqual(told(answer), {
    status: 422,
    reason: 'Invalid',
    causes: [
      { reason: 'FieldValueInvalid', field: 'metadata.labels' },
      { reason: 'FieldValueInvalid', field: 'data[a b]' },
    ],
  });
});

test('a Secret above 1 MiB and a change of its type are refused', async () => {
  const large = Buffer.alloc(1_048_577).toString('base64');
  assert.deepEqual(told(await f.applySecret({ data: { k: large } })), {
    status: 422,
    reason: 'Invalid',
    causes: [{ reason: 'FieldValueTooLong', field: 'data' }],
  });
  await f.applySecret({ data: { k: A } });
  const typed = await f.applySecret({ type: 'other', data: { k: A } });
  assert.deepEqual(told(typed), {
    status: 422,
    reason: 'Invalid',
    causes: [{ reason: 'FieldValueInvalid', field: 'type' }],
  });
});

test('stringData becomes data', async () => {
  const body = await f.api.ok('POST', f.secrets(), { metadata: { name: 's' }, stringData: { k: 'a' } });
  assert.deepEqual(body.data, { k: A });
  assert.equal(body.stringData, undefined);
});

test('an update without resourceVersion goes through, with an old one it is a conflict', async () => {
  const first = await f.api.ok('POST', f.secrets(), { metadata: { name: 's' }, data: { k: A } });
  const updated = await f.api.ok('PUT', f.secrets('s'), { metadata: { name: 's' }, data: { k: B } });
  assert.deepEqual(updated.data, { k: B });
  assert.equal(updated.metadata.uid, first.metadata.uid);
  assert.deepEqual(told(await f.api.request('PUT', f.secrets('s'), first)), {
    status: 409,
    reason: 'Conflict',
    causes: [],
  });
});

test('a deletion checks uid and resourceVersion', async () => {
  const { metadata } = await f.api.ok('POST', f.secrets(), { metadata: { name: 's' } });
  const conflict = { status: 409, reason: 'Conflict', causes: [] };
  const { uid, resourceVersion } = metadata;
  assert.deepEqual(
    told(await f.api.request('DELETE', f.secrets('s'), { preconditions: { uid: 'other', resourceVersion } })),
    conflict,
  );
  assert.deepEqual(
    told(await f.api.request('DELETE', f.secrets('s'), { preconditions: { uid, resourceVersion: '1' } })),
    conflict,
  );
  const done = await f.api.request('DELETE', `${f.secrets('s')}?propagationPolicy=Background`, {
    preconditions: { uid, resourceVersion },
  });
  assert.equal(done.status, 200);
  assert.equal(done.body.status, 'Success');
  assert.equal(done.body.details.uid, uid);
  assert.deepEqual(told(await f.api.request('DELETE', f.secrets('s'))), {
    status: 404,
    reason: 'NotFound',
    causes: [],
  });
});

test('an object with finalizers is deleted when the last one goes', async () => {
  await f.api.ok('POST', f.secrets(), { metadata: { name: 's', finalizers: ['example.com/wait'] } });
  const waiting = await f.api.ok('DELETE', f.secrets('s'));
  assert.match(waiting.metadata.deletionTimestamp, /Z$/);
  assert.equal((await f.secret()).metadata.uid, waiting.metadata.uid);
  await f.api.ok(
    'PATCH',
    f.secrets('s'),
    { metadata: { finalizers: null } },
    { 'content-type': 'application/merge-patch+json' },
  );
  assert.equal((await f.api.request('GET', f.secrets('s'))).status, 404);
});

test('metadata alone is had for one object and for lists, and only in the form that fits', async () => {
  await f.api.ok('POST', f.secrets(), { metadata: { name: 's', annotations: { a: 'b' } }, data: { k: A } });
  for (const query of ['', '?resourceVersion=0']) {
    const one = await f.api.ok('GET', f.secrets('s') + query, undefined, METADATA);
    assert.deepEqual(Object.keys(one).sort(), ['apiVersion', 'kind', 'metadata']);
    const list = await f.api.ok('GET', f.secrets() + query, undefined, METADATA_LIST);
    assert.equal(list.kind, 'PartialObjectMetadataList');
    assert.deepEqual(
      list.items.map((item: any) => item.kind),
      ['PartialObjectMetadata'],
    );
    assert.deepEqual(list.items[0].metadata, one.metadata);
  }
  assert.deepEqual(told(await f.api.request('GET', f.secrets(), undefined, METADATA)), {
    status: 406,
    reason: 'NotAcceptable',
    causes: [],
  });
  assert.deepEqual(told(await f.api.request('GET', f.secrets('s'), undefined, METADATA_LIST)), {
    status: 406,
    reason: 'NotAcceptable',
    causes: [],
  });
});

test('a list of nothing is [], and of metadata null', async () => {
  assert.deepEqual((await f.api.ok('GET', f.secrets())).items, []);
  assert.equal((await f.api.ok('GET', f.secrets(), undefined, METADATA_LIST)).items, null);
});

test('a list comes in pages of one moment, selected by label', async () => {
  for (const name of ['a', 'b', 'c', 'd'])
    await f.api.ok('POST', f.secrets(), {
      metadata: { name, labels: { odd: String(name === 'a' || name === 'c') } },
    });
  const first = await f.api.ok('GET', `${f.secrets()}?limit=3`);
  assert.equal(first.kind, 'SecretList');
  assert.equal(first.metadata.remainingItemCount, 1);
  await f.api.ok('DELETE', f.secrets('d'));
  await f.api.ok('POST', f.secrets(), { metadata: { name: 'e' } });
  const rest = await f.api.ok('GET', `${f.secrets()}?limit=3&continue=${first.metadata.continue}`);
  assert.deepEqual(
    [...first.items, ...rest.items].map((item: any) => item.metadata.name),
    ['a', 'b', 'c', 'd'],
  );
  assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal(rest.metadata.continue, undefined);
  const odd = await f.api.ok('GET', `${f.secrets()}?labelSelector=odd%3Dtrue`);
  assert.deepEqual(
    odd.items.map((item: any) => item.metadata.name),
    ['a', 'c'],
  );
  const whole = await f.api.ok('GET', `${f.secrets()}?limit=1&resourceVersion=0`);
  assert.equal(whole.items.length, 4);
  assert.deepEqual(told(await f.api.request('GET', `${f.secrets()}?limit=1&continue=nonsense`)), {
    status: 400,
    reason: 'BadRequest',
    causes: [],
  });
});

test('an event needs its fields, and a time in microseconds', async () => {
  const events = `/apis/events.k8s.io/v1/namespaces/${f.namespace}/events`;
  const event = {
    metadata: { generateName: 's-' },
    regarding: { apiVersion: 'v1', kind: 'Secret', namespace: f.namespace, name: 's' },
    type: 'Warning',
    reason: 'Because',
    action: 'Sync',
    note: 'a sentence',
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/agent',
    reportingInstance: 'pod',
  };
  const stored = await f.api.ok('POST', events, event);
  assert.match(stored.metadata.name, /^s-./);
  assert.deepEqual(
    (await f.api.ok('GET', events)).items.map(({ note, regarding }: any) => [note, regarding]),
    [[event.note, event.regarding]],
  );
  assert.equal(
    (await f.api.request('POST', events, { ...event, eventTime: '2026-01-01T00:00:00.000Z' })).status,
    400,
  );
  const dotted = await f.api.request('POST', events, { ...event, metadata: { generateName: 's.' } });
  assert.deepEqual(told(dotted).causes, [{ reason: 'FieldValueInvalid', field: 'metadata.generateName' }]);
  for (const field of ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason']) {
    const answer = told(await f.api.request('POST', events, { ...event, [field]: undefined }));
    assert.equal(answer.status, 422);
    assert.deepEqual(answer.causes[0], { reason: 'FieldValueRequired', field });
  }
});

test('an endpoint of an EndpointSlice keeps an absent ready absent', async () => {
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${f.namespace}/endpointslices`;
  const labels = {
    'kubernetes.io/service-name': 'x',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  };
  const terminating = { ready: false, serving: true, terminating: true };
  const stored = await f.api.ok('POST', slices, {
    metadata: { name: 'x-1', labels },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.0.0.1'], nodeName: 'one' },
      { addresses: ['10.0.0.2'], nodeName: 'two', conditions: terminating },
    ],
  });
  assert.deepEqual(
    stored.endpoints.map(({ nodeName, conditions }: any) => [nodeName, conditions]),
    [
      ['one', {}],
      ['two', terminating],
    ],
  );
  const selected = await f.api.ok(
    'GET',
    `${slices}?labelSelector=${encodeURIComponent(
      Object.entries(labels)
        .map((one) => one.join('='))
        .join(),
    )}`,
  );
  assert.equal(selected.items.length, 1);
});
