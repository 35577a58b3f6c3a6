import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, REASONS, type Code } from '../../agent/api/reasons.ts';
import { isReady, type VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { nextStatus, waitsForPerson, type Outcome } from '../../agent/report/status.ts';
import { conditionOf } from '../sync/objects.ts';

const T0 = Date.UTC(2026, 0, 1);
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const failureOf = (code: Code): Failure =>
  new Failure(code, `what ${code} means`, { context: { name: 'db' } });
const next = (before: VSecMSecretStatus, outcome: Partial<Outcome> = {}): VSecMSecretStatus =>
  nextStatus(before, { generation: 1, node: 'node-1', now: T0, ...outcome });

const SECRET = { name: 'db', resourceVersion: '200' };
const synced = next({}, { secret: SECRET, written: true, sourceUpdated: '2026-01-01T00:00:00Z' });
const conditions = (status: VSecMSecretStatus): Record<string, string> =>
  Object.fromEntries(status.conditions!.map((one) => [one.type, `${one.status} ${one.reason}`]));

test('after the first write the status tells of Secret, node, source and time', () => {
  assert.deepEqual(synced, {
    observedGeneration: 1,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Synced',
        message: 'Secret db is as declared',
        observedGeneration: 1,
        lastTransitionTime: iso(T0),
      },
    ],
    node: 'node-1',
    secret: SECRET,
    sourceUpdated: '2026-01-01T00:00:00Z',
    lastSyncTime: iso(T0),
  });
});

for (const [code, { stage }] of Object.entries(REASONS) as [Code, { stage: string }][]) {
  const outside = ['identity', 'connect', 'fetch'].includes(stage);
  const stalled = !outside && stage !== 'restart' && code !== 'ApiUnavailable' && code !== 'NotYetValid';

  test(`${code} on a resource that was ready`, () => {
    const status = next(synced, { failure: failureOf(code), now: T0 + 60_000 });
    assert.deepEqual(conditions(status), {
      Ready: `False ${code}`,
      ...(stalled && { Stalled: `True ${code}` }),
    });
    assert.deepEqual([status.failure?.stage, status.failure?.code], [stage, code]);
    assert.equal(status.failure?.since, iso(T0 + 60_000));
    assert.ok(status.failure!.hint.length > 0);
    assert.deepEqual([status.secret, status.lastSyncTime], [SECRET, iso(T0)]);
  });

  test(`${code} on a resource whose Secret is right all the same`, () => {
    const status = next(synced, { failure: failureOf(code), stands: true });
    assert.equal(conditions(status)['Ready'], 'True Synced');
    assert.equal(status.failure?.code, code);
  });

  test(`${code} on a resource that never was ready`, () => {
    const { secret, ...status } = next({}, { failure: failureOf(code), stands: true });
    assert.deepEqual(conditions(status), {
      Ready: `False ${code}`,
      ...(stalled && { Stalled: `True ${code}` }),
    });
    assert.equal(secret, undefined);
  });

  test(`${code} ends with the next success`, () => {
    const failed = next(synced, { failure: failureOf(code) });
    const status = next(failed, { secret: SECRET, now: T0 + 5_000 });
    assert.deepEqual(conditions(status), { Ready: 'True Synced' });
    assert.equal(status.failure, undefined);
    assert.equal(waitsForPerson(failureOf(code)), stalled);
  });
}

test('a failure goes on since it began, whatever its message says meanwhile', () => {
  const first = next(synced, { failure: failureOf('RefNotFound') });
  const second = next(first, { failure: new Failure('RefNotFound', 'another ref'), now: T0 + 9_000 });
  assert.deepEqual([second.failure?.since, second.failure?.message], [iso(T0), 'another ref']);
  const other = next(second, { failure: failureOf('NotGranted'), now: T0 + 20_000 });
  assert.equal(other.failure?.since, iso(T0 + 20_000));
});

test('a Safe that fails in another way still fails since it began', () => {
  const first = next(synced, { failure: failureOf('SafeTimeout'), failingSince: T0 - 60_000 });
  assert.equal(first.failure?.since, iso(T0 - 60_000));
  const second = next(first, { failure: failureOf('SafeUnreachable'), failingSince: T0 + 1_000 });
  assert.equal(second.failure?.since, iso(T0 - 60_000));
  const own = next(second, { failure: failureOf('TargetConflict'), now: T0 + 7_000 });
  assert.equal(own.failure?.since, iso(T0 + 7_000));
});

test('a condition keeps its time while its status stays, and not its reason', () => {
  const first = next(synced, { failure: failureOf('RefNotFound'), now: T0 + 1_000 });
  const second = next(first, { failure: failureOf('NotGranted'), now: T0 + 2_000 });
  const ready = second.conditions!.find((one) => one.type === 'Ready')!;
  assert.deepEqual([ready.reason, ready.lastTransitionTime], ['NotGranted', iso(T0 + 1_000)]);
});

test('a Secret that was just written from memory is ready, although Safe fails', () => {
  const conflict = next(synced, { failure: failureOf('TargetConflict') });
  const status = next(conflict, { secret: SECRET, written: true, failure: failureOf('SafeTimeout') });
  assert.deepEqual(conditions(status), { Ready: 'True Synced' });
  assert.equal(status.failure?.code, 'SafeTimeout');
});

test('while Safe fails a Secret that is not right is not ready, whatever the status said', () => {
  const status = next(synced, { generation: 2, failure: failureOf('SafeTimeout'), stands: false });
  assert.equal(status.observedGeneration, 2);
  assert.deepEqual(conditions(status), { Ready: 'False SafeTimeout' });
});

test('freshness is told to those who ask', () => {
  assert.equal(conditionOf(next(synced, { secret: SECRET }), 'Fresh'), undefined);
  const fresh = next(synced, { secret: SECRET, fresh: true });
  assert.equal(conditions(fresh)['Fresh'], 'True Confirmed');
  const stale = next(fresh, { secret: SECRET, fresh: false, failure: failureOf('SafeTimeout') });
  assert.deepEqual(conditions(stale), { Ready: 'True Synced', Fresh: 'False SafeTimeout' });
  assert.equal(conditionOf(next(stale, { secret: SECRET }), 'Fresh'), undefined);
});

test('suspended, what was true of the Secret stays so', () => {
  const status = next(synced, { suspended: true, generation: 2 });
  assert.deepEqual(conditions(status), { Ready: 'True Suspended' });
  assert.deepEqual([status.secret, status.failure, status.observedGeneration], [SECRET, undefined, 2]);
  assert.deepEqual(conditions(next({}, { suspended: true })), { Ready: 'False Suspended' });
  const resumed = next(status, { failure: failureOf('SafeTimeout'), stands: true, generation: 2 });
  assert.deepEqual(conditions(resumed), { Ready: 'True Synced' });
});

test('what is not told again stays as it was', () => {
  const before = next(synced, { secret: SECRET, handledRefresh: 'a' });
  const after = next(before, { failure: failureOf('SafeTimeout'), now: T0 + 5_000 });
  for (const key of ['secret', 'sourceUpdated', 'lastSyncTime', 'handledRefresh'] as const)
    assert.deepEqual(after[key], before[key], key);
  const cleared = next(before, { secret: SECRET, handledRefresh: '', sourceUpdated: '' });
  assert.equal('handledRefresh' in cleared || 'sourceUpdated' in cleared, false);
});

test('a status is ready by its condition alone', () => {
  assert.equal(isReady({}), false);
  assert.equal(isReady(synced), true);
  assert.equal(isReady(next(synced, { failure: failureOf('RefNotFound') })), false);
});
