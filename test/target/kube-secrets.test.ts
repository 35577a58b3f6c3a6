import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../../agent/kube/client.ts';
import { KubeError, type KubeCause, type KubeErrorOptions } from '../../agent/kube/error.ts';
import { refusalOf, secretApi } from '../../agent/target/kube-secrets.ts';
import { SecretApiError, type Refusal } from '../../agent/target/secret-api.ts';
import { FakeClock } from '../fake-clock.ts';
import { secretMeta } from '../sync/objects.ts';

const cause = (reason: string, field = ''): KubeCause => ({ reason, field });
const causes = (...all: KubeCause[]): KubeErrorOptions => ({ causes: all });

const ANSWERS: readonly [what: string, status: number, options: KubeErrorOptions, Refusal][] = [
  ['a request that was taken back', 0, { code: 'NotSent' }, 'guarded'],
  ['403 of a namespace that is going', 403, causes(cause('NamespaceTerminating')), 'terminating'],
  ['409 about fields', 409, causes(cause('FieldManagerConflict', '.data.a')), 'field-conflict'],
  ['409', 409, { reason: 'Conflict' }, 'stale'],
  ['404', 404, { reason: 'NotFound' }, 'missing'],
  ['401', 401, {}, 'unauthorized'],
  ['403', 403, { refusedBy: 'quota' }, 'forbidden'],
  ['422 about the uid', 422, causes(cause('FieldValueInvalid', 'metadata.uid')), 'stale'],
  ['422 about the length', 422, causes(cause('FieldValueTooLong', 'data')), 'too-large'],
  ['422 about the type', 422, causes(cause('FieldValueInvalid', 'type')), 'immutable'],
  ['422 about all data', 422, causes(cause('FieldValueForbidden', 'data')), 'immutable'],
  ['422 about immutability', 422, causes(cause('FieldValueForbidden', 'immutable')), 'immutable'],
  ['422 about one key', 422, causes(cause('FieldValueInvalid', 'data[a b]')), 'invalid'],
  ['422 about nothing', 422, {}, 'invalid'],
  ['400', 400, {}, 'invalid'],
  ['413', 413, {}, 'invalid'],
  ['429', 429, { retryAfterMs: 2_000 }, 'unavailable'],
  ['500', 500, {}, 'unavailable'],
  ['400 of a webhook', 400, { refusedBy: 'webhook' }, 'invalid'],
  ['404 of a webhook', 404, { refusedBy: 'webhook' }, 'invalid'],
  ['409 of a webhook', 409, { refusedBy: 'webhook' }, 'invalid'],
  ['500 of a webhook that fails', 500, { refusedBy: 'webhook' }, 'invalid'],
  ['403 of a webhook', 403, { refusedBy: 'webhook' }, 'forbidden'],
  ['no answer', 0, { code: 'ECONNREFUSED' }, 'unavailable'],
];

for (const [what, status, options, refusal] of ANSWERS)
  test(`${what} is ${refusal}`, () => {
    assert.equal(refusalOf(new KubeError(status, options)).refusal, refusal);
  });

test('what the decision and the log need of an answer is kept', () => {
  const { details } = refusalOf(
    new KubeError(403, {
      reason: 'Forbidden',
      refusedBy: 'policy',
      retryAfterMs: 5,
      causes: [cause('a', 'x'), cause('b'), cause('c', 'y')],
    }),
  );
  assert.deepEqual(details, { reason: 'Forbidden', by: 'policy', retryAfterMs: 5, fields: ['x', 'y'] });
  assert.equal(refusalOf(new KubeError(0, { code: 'Timeout' })).details.reason, 'Timeout');
  assert.equal(refusalOf(new KubeError(502)).details.reason, '502');
});

test('of a key of the data it is not told what it is called: members give keys their names', () => {
  const fields = [
    'data[s3cr3t]',
    '.data.s3cr3t',
    'stringData[s3cr3t.x]',
    'data[s3cr3t2]',
    'data',
    'metadata.labels',
  ];
  const causes = [...fields, ...Array.from({ length: 50 }, (_, index) => `x${index}`)].map((field) =>
    cause('c', field),
  );
  const told = refusalOf(new KubeError(422, { reason: 'Invalid', causes })).details.fields ?? [];
  assert.deepEqual(told.slice(0, 5), ['data[…]', '.data[…]', 'stringData[…]', 'data', 'metadata.labels']);
  assert.equal(told.length, 10);
});

test('an error that nobody declared is not taken for a refusal', () => {
  const bug = new TypeError('a bug');
  assert.throws(() => refusalOf(bug), bug);
  const known = new SecretApiError('stale');
  assert.equal(refusalOf(known), known);
});

const object = {
  metadata: { namespace: 'team-a', name: 'db', uid: 'u', resourceVersion: '7' },
};

/** A client that answers as it is told, and what it was asked. */
function begin(answer: () => unknown) {
  const asked: any[] = [];
  const client = {
    request: async (request: object) => {
      asked.push(request);
      return answer();
    },
    apply: async (path: string, body: object, options: object) => {
      asked.push({ path, body, ...options });
      return { created: true, object: answer() };
    },
  } as unknown as KubeClient;
  return { api: secretApi(client, new FakeClock(42)), asked };
}

test('a Secret that is not there is nothing, and any other refusal is one', async () => {
  const absent = begin(() => {
    throw new KubeError(404);
  });
  assert.equal(await absent.api.get('team-a', 'db'), undefined);
  const away = begin(() => {
    throw new KubeError(503);
  });
  await assert.rejects(away.api.get('team-a', 'db'), { refusal: 'unavailable' });
});

test('where nothing is compared values are never asked for, and names are no paths', async () => {
  const { api, asked } = begin(() => object);
  await api.get('team-a', 'a/b');
  assert.equal(asked[0].path, '/api/v1/namespaces/team-a/secrets/a%2Fb');
  assert.match(asked[0].accept, /PartialObjectMetadata/);
  await api.apply('team-a', 'db', {}, { force: false, guard: () => true });
  assert.equal(asked[1].metadataOnly, true);
});

test('a Secret differs by a value, by a key that is not there, and by a key of ours that is not wanted', async () => {
  const wanted = new Map([['a', Buffer.from('one')]]);
  const differs = async (data: Record<string, string>, ours = Object.keys(data)): Promise<boolean> => {
    const fieldsV1 = { 'f:data': Object.fromEntries([['.', {}], ...ours.map((key) => [`f:${key}`, {}])]) };
    const managedFields = [{ manager: 'vsecm-agent', operation: 'Apply', fieldsV1 }];
    const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)]));
    const { api, asked } = begin(() => ({ metadata: { ...object.metadata, managedFields }, data: encoded }));
    const found = await api.differs('team-a', 'db', wanted);
    assert.equal(asked[0].accept, undefined);
    assert.equal(found!.meta.resourceVersion, '7');
    return found!.differs;
  };
  assert.equal(await differs({ a: 'one' }), false);
  assert.equal(await differs({ a: 'two' }), true);
  assert.equal(await differs({}), true);
  assert.equal(await differs({ a: 'one', b: 'ours' }), true);
  assert.equal(await differs({ a: 'one', b: 'theirs' }, ['a']), false);
  const absent = begin(() => {
    throw new KubeError(404);
  });
  assert.equal(await absent.api.differs('team-a', 'db', wanted), undefined);
});

test('a write carries its guard, its force and the one field manager, and ends within 10 s', async () => {
  const { api, asked } = begin(() => object);
  const guard = () => true;
  const { created, meta } = await api.apply('team-a', 'db', { a: 1 }, { force: true, guard });
  assert.deepEqual([created, meta.resourceVersion, meta.seenAt], [true, '7', 42]);
  const { body, force, fieldManager, timeoutMs, mayLeave } = asked[0];
  assert.deepEqual([body, force, fieldManager, timeoutMs], [{ a: 1 }, true, 'vsecm-agent', 12_000]);
  assert.equal(mayLeave, guard);
});

test('exactly the version that was judged is deleted', async () => {
  const { api, asked } = begin(() => object);
  const guard = () => true;
  await api.delete(secretMeta(), guard);
  assert.deepEqual(asked[0].body.preconditions, { uid: 'secret-1', resourceVersion: '200' });
  assert.equal(asked[0].mayLeave, guard);
});

test('an answer that is no Secret is none', async () => {
  const { api } = begin(() => ({ metadata: {} }));
  for (const attempt of [
    api.get('team-a', 'db'),
    api.apply('team-a', 'db', {}, { force: false, guard: () => true }),
  ])
    await assert.rejects(attempt, { refusal: 'unavailable', details: { reason: 'Malformed' } });
});
