import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource } from '../../agent/api/resource.ts';
import { SpecRoom } from '../../agent/api/spec-room.ts';

const metadata = { namespace: 'team-a', name: 'db', uid: 'u', resourceVersion: '7' };

test('of a VSecMSecret what the agent needs is kept, with what may be absent filled in', () => {
  assert.deepEqual(parseResource({ metadata, spec: { a: 1 } }, new SpecRoom()), {
    key: 'team-a/db',
    ...metadata,
    generation: 0,
    createdAt: '',
    deleting: false,
    refresh: '',
    spec: { text: '{"a":1}' },
    targetName: 'db',
    status: {},
  });
});

test('generation, age, deletion, wish for a refresh and status are read', () => {
  const resource = parseResource(
    {
      metadata: {
        ...metadata,
        generation: 3,
        creationTimestamp: '2026-01-01T00:00:00Z',
        deletionTimestamp: '2026-01-02T00:00:00Z',
        annotations: { 'vsecm.com/refresh': 'now', other: 'x' },
      },
      status: { node: 'n' },
    },
    new SpecRoom(),
  );
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
    assert.equal(parseResource(object, new SpecRoom()), undefined);
  }
});

test('the target is the name that the spec gives, else the name of the resource', () => {
  for (const spec of [
    undefined,
    null,
    5,
    {},
    { target: null },
    { target: {} },
    { target: { name: '' } },
    { target: { name: 7 } },
  ])
    assert.equal(parseResource({ metadata, spec }, new SpecRoom())?.targetName, 'db');
  const spec = { target: { name: 'other' } };
  assert.equal(parseResource({ metadata, spec }, new SpecRoom())?.targetName, 'other');
});
