import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import { Plans, type Plan } from '../../agent/sync/plans.ts';
import { Fetching, SAFE } from '../fetch/fetching.ts';
import { resourceOf, type ResourceChange, specText } from './objects.ts';

const KEY = 'team-a/db';

/** Plans over real fetchers and groups, and the one resource `team-a/db` as its author changes it. */
function begin() {
  const { fetchers, groups } = new Fetching();
  const plans = new Plans({
    endpoint: (url = 'https://safe') =>
      url.includes('forbidden') ? undefined : { ...SAFE, url, dial: `${url}/secrets` },
    fetchers,
    groups,
  });
  let plan: Plan | undefined;
  let generation = 0;
  return {
    plans,
    put: (spec: Record<string, unknown> = {}, change: ResourceChange = {}): Plan => {
      generation += 1;
      plan = plans.of(resourceOf({ generation, spec: specText(spec), ...change }), plan);
      return plan;
    },
    leave: () => plans.leave(KEY, plan),
    /** The Safes that somebody uses. */
    dials: () =>
      [...fetchers.all()]
        .filter(({ members }) => members.size > 0)
        .map(({ dial, members }) => [dial, [...members]]),
    intervals: () => groups.sizes().map(({ dial, intervalMs }) => [dial, intervalMs]),
  };
}

const codeOf = ({ spec }: Plan): string | undefined => (spec instanceof Failure ? spec.code : undefined);

test('a resource has the Safe and the interval that it declares', () => {
  const { put, dials, intervals } = begin();
  const { spec, fetcher, generation } = put({ refreshInterval: '1h' });
  assert.ok(!(spec instanceof Failure));
  assert.deepEqual(
    [generation, spec.refreshIntervalMs, fetcher?.dial],
    [1, 3_600_000, 'https://safe/secrets'],
  );
  assert.deepEqual(dials(), [['https://safe/secrets', [KEY]]]);
  assert.deepEqual(intervals(), [['https://safe/secrets', 3_600_000]]);
});

test('a generation is read once', () => {
  const { put } = begin();
  const first = put({}, { generation: 7 });
  assert.equal(put({ data: 'wrong' }, { generation: 7 }), first);
  assert.notEqual(put({}, { generation: 8 }), first);
});

test('a change that leaves the Safe as it is leaves its fetcher, and moves the interval', () => {
  const { put, dials, intervals } = begin();
  const first = put();
  const second = put({ refreshInterval: '30s' });
  assert.equal(second.fetcher, first.fetcher);
  assert.deepEqual(dials().length, 1);
  assert.deepEqual(intervals(), [['https://safe/secrets', 30_000]]);
});

test('one that turns to another Safe leaves the first', () => {
  const { put, dials, intervals } = begin();
  put();
  put({ vsecmSafeURL: 'https://other' });
  assert.deepEqual(dials(), [['https://other/secrets', [KEY]]]);
  assert.deepEqual(intervals(), [['https://other/secrets', 10_000]]);
});

const NOTHING_WANTED: Record<string, [spec: Record<string, unknown>, code: string | undefined]> = {
  'whose spec is wrong': [{ data: 'wrong' }, 'InvalidSpec'],
  'that names a Safe which is not allowed': [{ vsecmSafeURL: 'https://forbidden' }, 'SafeNotAllowed'],
  'that is suspended': [{ suspend: true }, undefined],
};

for (const [what, [spec, code]] of Object.entries(NOTHING_WANTED))
  test(`one ${what} wants nothing of any Safe, and comes back when that ends`, () => {
    const { put, dials, intervals } = begin();
    put();
    const plan = put(spec);
    assert.deepEqual([codeOf(plan), plan.fetcher], [code, undefined]);
    assert.deepEqual([dials(), intervals()], [[], []]);
    assert.notEqual(put().fetcher, undefined);
    assert.deepEqual([dials().length, intervals().length], [1, 1]);
  });

test('one that was never right has nothing to leave', () => {
  const { put, leave, dials } = begin();
  assert.equal(codeOf(put({ data: 'wrong' })), 'InvalidSpec');
  leave();
  assert.deepEqual(dials(), []);
});

test('one that leaves is in no group and has no fetcher, and may leave twice', () => {
  const { put, leave, dials, intervals } = begin();
  put();
  leave();
  leave();
  assert.deepEqual([dials(), intervals()], [[], []]);
});

test('an interval of 0 is in no group', () => {
  const { put, intervals, dials } = begin();
  put({ refreshInterval: '0s' });
  assert.deepEqual([intervals(), dials().length], [[], 1]);
});

for (const [refreshInterval, maxStaleness, everyMs] of [
  ['1h', '10m', 300_000],
  ['1m', '1h', 60_000],
  ['1h', '12s', 10_000],
] as const)
  test(`who asks every ${refreshInterval} and wants confirmation within ${maxStaleness} is refreshed every ${everyMs} ms`, () => {
    const { put, intervals } = begin();
    const plan = put({ refreshInterval, maxStaleness });
    assert.equal(codeOf(plan), undefined);
    assert.deepEqual(intervals(), [['https://safe/secrets', everyMs]]);
  });
