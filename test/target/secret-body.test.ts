import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretBody } from '../../agent/target/secret-body.ts';
import { desiredOf, resourceOf, secretMeta, specOf } from '../sync/objects.ts';

const resource = resourceOf();
const desired = desiredOf(
  { password: 'x', empty: '' },
  { labels: new Map([['app', 'db']]), annotations: new Map([['env', 'prod']]) },
);
const target = (change: object = {}) => specOf({ target: change }).target;
const over = secretMeta();
const OWNER = {
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  name: 'db',
  uid: 'uid-db',
};

const WHOLE = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'db',
    namespace: 'team-a',
    resourceVersion: '1',
    labels: { app: 'db', 'vsecm.com/managed': 'true', 'app.kubernetes.io/managed-by': 'vsecm-agent' },
    annotations: { env: 'prod' },
    ownerReferences: [OWNER],
  },
  type: 'Opaque',
  data: { password: 'eA==', empty: '' },
};

test('a Secret to be created has the version of none that is there, and an owner that blocks nothing', () => {
  assert.deepEqual(secretBody(resource, target(), desired), WHOLE);
});

test('one to write over is named by uid and version', () => {
  const { metadata } = secretBody(resource, target(), desired, over) as typeof WHOLE;
  assert.deepEqual(metadata, { ...WHOLE.metadata, uid: 'secret-1', resourceVersion: '200' });
});

test('one that the agents did not create is not said to be managed by them', () => {
  const { metadata } = secretBody(resource, target(), desired, {
    ...over,
    createdByAgent: false,
  }) as typeof WHOLE;
  assert.deepEqual(metadata.labels as object, { app: 'db', 'vsecm.com/managed': 'true' });
});

test('an owner is given to what an agent created, and kept where the label that says so was changed', () => {
  const ownersOf = (change: Partial<typeof over>): unknown =>
    (secretBody(resource, target(), desired, { ...over, ...change }) as typeof WHOLE).metadata
      .ownerReferences;
  assert.deepEqual(ownersOf({ ownerUids: [] }), [OWNER]);
  assert.deepEqual(ownersOf({ createdByAgent: false }), [OWNER]);
  assert.equal(ownersOf({ createdByAgent: false, ownerUids: ['uid-other'] }), undefined);
});

test('an owner that is the controller stays it, as the policy for Secrets of others demands', () => {
  const ownersOf = (controllerUid: string): unknown =>
    (secretBody(resource, target(), desired, { ...over, controllerUid }) as typeof WHOLE).metadata
      .ownerReferences;
  assert.deepEqual(ownersOf('uid-db'), [{ ...OWNER, controller: true }]);
  assert.deepEqual(ownersOf('uid-other'), [OWNER]);
});

test('Orphan has no owner', () => {
  const { ownerReferences: _, ...metadata } = WHOLE.metadata;
  assert.deepEqual(secretBody(resource, target({ creationPolicy: 'Orphan' }), desired), {
    ...WHOLE,
    metadata,
  });
});

test('Merge has neither owner nor type', () => {
  const body = secretBody(resource, target({ creationPolicy: 'Merge' }), desired, {
    ...over,
    createdByAgent: false,
  });
  assert.deepEqual(Object.keys(body), ['apiVersion', 'kind', 'metadata', 'data']);
  assert.equal('ownerReferences' in (body as typeof WHOLE).metadata, false);
});

test('a type and immutability are declared as the spec says', () => {
  const body = secretBody(resource, target({ type: 'example.com/own', immutable: true }), desired);
  assert.deepEqual(body, { ...WHOLE, type: 'example.com/own', immutable: true });
});

test('bytes that are no text stay as they are', () => {
  const bytes = new Uint8Array([0, 255, 128]);
  const body = secretBody(resource, target(), { ...desired, data: new Map([['k', bytes]]) });
  assert.deepEqual((body as { data: object }).data, { k: Buffer.from(bytes).toString('base64') });
});

test('no key can reach the prototype of the body', () => {
  const odd = desiredOf({ ['__proto__']: 'x' }, { labels: new Map([['__proto__', 'y']]) });
  const body = JSON.parse(JSON.stringify(secretBody(resource, target(), odd)));
  assert.ok(Object.hasOwn(body.data, '__proto__') && Object.hasOwn(body.metadata.labels, '__proto__'));
});
