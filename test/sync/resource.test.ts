import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, parseSecretMeta } from '../../agent/sync/resource.ts';

const metadata = { namespace: 'team-a', name: 'db', uid: 'u', resourceVersion: '7' };

test('of a VSecMSecret what the agent needs is kept, with what may be absent filled in', () => {
  assert.deepEqual(parseResource({ metadata, spec: { a: 1 } }), {
    key: 'team-a/db',
    ...metadata,
    generation: 0,
    createdAt: '',
    deleting: false,
    refresh: '',
    spec: { a: 1 },
    status: {},
  });
});

test('generation, age, deletion, wish for a refresh and status are read', () => {
  const resource = parseResource({
    metadata: {
      ...metadata,
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
      deletionTimestamp: '2026-01-02T00:00:00Z',
      annotations: { 'vsecm.com/refresh': 'now', other: 'x' },
    },
    status: { node: 'n' },
  });
  assert.deepEqual(
    [resource?.generation, resource?.createdAt, resource?.deleting, resource?.refresh, resource?.status.node],
    [3, '2026-01-01T00:00:00Z', true, 'now', 'n'],
  );
});

test('what is not a whole object is dropped', () => {
  for (const object of [
    null,
    undefined,
    5,
    'x',
    {},
    { metadata: null },
    { metadata: { ...metadata, uid: '' } },
  ]) {
    assert.equal(parseResource(object), undefined);
    assert.equal(parseSecretMeta(object, 0), undefined);
  }
});

const ours = { manager: 'vsecm-agent', operation: 'Apply', time: '2026-01-01T00:00:00Z' };

test('of a Secret names and versions are kept, and nothing that may hold a value', () => {
  const meta = parseSecretMeta(
    {
      metadata: {
        ...metadata,
        labels: { 'vsecm.com/managed': 'true', 'app.kubernetes.io/managed-by': 'vsecm-agent', app: 's3cret' },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 's3cret' },
        managedFields: [ours],
        ownerReferences: [{ apiVersion: 'vsecm.com/v1alpha1', kind: 'VSecMSecret', name: 'db', uid: 'o' }],
      },
      data: { password: 's3cret' },
    },
    42,
  );
  assert.deepEqual(meta, {
    key: 'team-a/db',
    ...metadata,
    managed: true,
    createdByAgent: true,
    adoptable: false,
    appliedAt: ours.time,
    othersWrite: false,
    ownerUids: ['o'],
    deleting: false,
    seenAt: 42,
  });
});

test('labels and consent count only with the very values that mean it', () => {
  const meta = (labels: object, annotations: object) =>
    parseSecretMeta({ metadata: { ...metadata, labels, annotations } }, 0)!;
  const no = meta(
    { 'vsecm.com/managed': 'True', 'app.kubernetes.io/managed-by': 'Helm' },
    { 'vsecm.com/allow-adoption': 'yes' },
  );
  assert.deepEqual([no.managed, no.createdByAgent, no.adoptable], [false, false, false]);
  assert.equal(meta({}, { 'vsecm.com/allow-adoption': 'true' }).adoptable, true);
});

test('only an apply by the agents counts as theirs, and anybody else is somebody else', () => {
  const managers = (...managedFields: object[]) => {
    const { appliedAt, othersWrite } = parseSecretMeta({ metadata: { ...metadata, managedFields } }, 0)!;
    return [appliedAt, othersWrite];
  };
  assert.deepEqual(managers(), [undefined, false]);
  assert.deepEqual(managers(ours), [ours.time, false]);
  assert.deepEqual(managers({ ...ours, operation: 'Update' }), [undefined, false]);
  assert.deepEqual(managers({ ...ours, subresource: 'status' }), [undefined, false]);
  assert.deepEqual(managers({ ...ours, manager: 'kubectl' }, ours), [ours.time, true]);
});

test('owners of other kinds and groups are none of ours', () => {
  const meta = parseSecretMeta(
    {
      metadata: {
        ...metadata,
        ownerReferences: [
          { apiVersion: 'other.com/v1', kind: 'VSecMSecret', uid: '1' },
          { apiVersion: 'vsecm.com/v1alpha1', kind: 'Other', uid: '2' },
          { apiVersion: 'vsecm.com/v1alpha1', kind: 'VSecMSecret' },
          { apiVersion: 'vsecm.com/v1', kind: 'VSecMSecret', uid: '3' },
        ],
      },
    },
    0,
  );
  assert.deepEqual(meta?.ownerUids, ['3']);
});
