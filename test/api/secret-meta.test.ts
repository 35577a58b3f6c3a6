import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSecretMeta } from '../../agent/api/secret-meta.ts';

const metadata = { namespace: 'team-a', name: 'db', uid: 'u', resourceVersion: '7' };

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
    ours: meta?.ours,
    others: meta?.others,
    lastOther: '',
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

type Managed = { [K in 'manager' | 'operation' | 'subresource' | 'time']?: string } & { fieldsV1?: object };
const managed = (managedFields: Managed[], more: object = {}) =>
  parseSecretMeta({ metadata: { ...metadata, managedFields, ...more } }, 0)!;

test('only an apply by the agents counts as theirs, and anybody else is somebody else', () => {
  const applied = (...entries: Managed[]) => managed(entries).appliedAt;
  assert.equal(applied(), undefined);
  assert.equal(applied(ours), ours.time);
  assert.equal(applied({ ...ours, operation: 'Update' }), undefined);
  assert.equal(applied({ ...ours, subresource: 'status' }), undefined);
  assert.equal(applied({ ...ours, manager: 'kubectl' }, ours), ours.time);
});

test('fields that the agents own and never changed have no date, and are theirs all the same', () => {
  const { time: _, ...undated } = ours;
  assert.equal(managed([undated]).appliedAt, '');
  assert.equal(managed([]).appliedAt, undefined);
});

test('which fields are ours shows, and not when they were written', () => {
  const one = managed([{ ...ours, fieldsV1: { 'f:data': {} } }]).ours;
  assert.equal(managed([{ ...ours, time: 'later', fieldsV1: { 'f:data': {} } }]).ours, one);
  assert.notEqual(managed([{ ...ours, fieldsV1: { 'f:type': {} } }]).ours, one);
  assert.equal(managed([{ manager: 'kubectl', operation: 'Update', fieldsV1: {} }]).ours, '');
});

test('each thing that no agent changes shows, and none that one does', () => {
  const theirs = { manager: 'kubectl', operation: 'Update', time: '2026-01-01T00:00:00Z', fieldsV1: {} };
  const digests = [
    managed([ours]).others,
    managed([ours, theirs]).others,
    managed([ours, { ...theirs, time: '2026-01-01T00:00:01Z' }]).others,
    managed([ours, { ...theirs, fieldsV1: { 'f:data': {} } }]).others,
    managed([ours], { finalizers: ['x'] }).others,
    managed([ours], { deletionTimestamp: '2026-01-01T00:00:00Z' }).others,
    // Within a second an entry shows nothing of a second write.
    managed([ours, theirs], { annotations: { seen: '1' } }).others,
    managed([ours, theirs], { annotations: { seen: '2' } }).others,
    managed([ours, theirs], { labels: { seen: '1' } }).others,
  ];
  assert.equal(new Set(digests).size, digests.length);
  const fieldsV1 = { 'f:data': {}, 'f:metadata': { 'f:labels': { 'f:a': {} } } };
  const rewritten = { ...ours, time: 'later', fieldsV1 };
  assert.equal(managed([rewritten, theirs], { labels: { a: 'b' } }).others, digests[1]);
});

test('of the other field managers the one that wrote last is named', () => {
  const by = (manager: string, second: number): Managed => ({
    manager,
    operation: 'Update',
    time: `2026-01-01T00:00:0${second}Z`,
  });
  assert.equal(managed([ours]).lastOther, '');
  assert.equal(
    managed([by('a', 1), by('b', 3), by('c', 2), { ...ours, time: '2027-01-01T00:00:00Z' }]).lastOther,
    'b',
  );
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
  assert.equal(meta?.controllerUid, undefined);
});

test('which owner is the controller is kept, if it is a VSecMSecret', () => {
  const controllerOf = (kind: string): unknown => {
    const owner = { apiVersion: 'vsecm.com/v1alpha1', kind, uid: '1', controller: true };
    return parseSecretMeta({ metadata: { ...metadata, ownerReferences: [owner] } }, 0)?.controllerUid;
  };
  assert.equal(controllerOf('VSecMSecret'), '1');
  assert.equal(controllerOf('Other'), undefined);
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
  ])
    assert.equal(parseSecretMeta(object, 0), undefined);
});

test('of owners that somebody wrote in bulk few are kept, and none of a megabyte', () => {
  const owner = (uid: string): object => ({
    apiVersion: 'vsecm.com/v9',
    kind: 'VSecMSecret',
    name: 'x',
    uid,
  });
  const ownerReferences = [
    owner('u'.repeat(1_200_000)),
    ...Array.from({ length: 100 }, (_, index) => owner(`${index}`)),
  ];
  const metadata = { namespace: 'evil', name: 'large', uid: 'u', resourceVersion: '1', ownerReferences };
  const { ownerUids = [] } = parseSecretMeta({ metadata }, 0) ?? {};
  assert.equal(ownerUids.length, 16);
  assert.equal(ownerUids[0], '0');
});
