import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import type { VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { nextStatus, sameInSubstance } from '../../agent/report/status.ts';

const SECRET = { name: 'db', resourceVersion: '200' };
const failure = new Failure('SafeTimeout', 'Safe does not answer');
const status = nextStatus(
  {},
  {
    generation: 1,
    node: 'node-1',
    now: Date.UTC(2026, 0, 1),
    secret: SECRET,
    written: true,
    sourceUpdated: 'u',
    handledRefresh: 'a',
    failure,
    fresh: false,
  },
);

/** The same with the members of every object the other way round, as a server may send them. */
function reversed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversed).toReversed() as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  ) as T;
}

test('the order of members and of conditions says nothing', () => {
  assert.ok(sameInSubstance(status, reversed(status)));
  assert.ok(sameInSubstance(status, JSON.parse(JSON.stringify(reversed(status)))));
});

test('times alone say nothing', () => {
  const later = '2027-01-01T00:00:00Z';
  const other: VSecMSecretStatus = {
    ...status,
    lastSyncTime: later,
    failure: { ...status.failure!, since: later },
    conditions: status.conditions!.map((one) => ({ ...one, lastTransitionTime: later })),
  };
  assert.ok(sameInSubstance(status, other));
  delete other.lastSyncTime;
  assert.ok(sameInSubstance(status, other));
});

const [first, ...rest] = status.conditions!;
const { failure: _, ...healthy } = status;
const CHANGES: Record<string, VSecMSecretStatus> = {
  'another generation': { ...status, observedGeneration: 2 },
  'another node': { ...status, node: 'node-2' },
  'another Secret': { ...status, secret: { ...SECRET, name: 'other' } },
  'another version of the Secret': { ...status, secret: { ...SECRET, resourceVersion: '201' } },
  'another source': { ...status, sourceUpdated: 'v' },
  'another refresh': { ...status, handledRefresh: 'b' },
  'no failure': healthy,
  'another code': { ...status, failure: { ...status.failure!, code: 'SafeError' } },
  'another message': { ...status, failure: { ...status.failure!, message: 'other' } },
  'another hint': { ...status, failure: { ...status.failure!, hint: 'other' } },
  'a condition less': { ...status, conditions: rest },
  'another status of a condition': { ...status, conditions: [{ ...first!, status: 'Unknown' }, ...rest] },
  'another reason': { ...status, conditions: [{ ...first!, reason: 'Other' }, ...rest] },
  'another message of a condition': { ...status, conditions: [{ ...first!, message: 'other' }, ...rest] },
  'a condition of another generation': {
    ...status,
    conditions: [{ ...first!, observedGeneration: 2 }, ...rest],
  },
  'nothing at all': {},
};

for (const [what, other] of Object.entries(CHANGES))
  test(`${what} is a change of substance`, () => {
    assert.equal(sameInSubstance(status, other), false);
    assert.equal(sameInSubstance(other, status), false);
    assert.ok(sameInSubstance(other, structuredClone(other)));
  });
