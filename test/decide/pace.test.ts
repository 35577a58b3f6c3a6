import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import type { Facts, Refused, Undone } from '../../agent/decide/facts.ts';
import { fightOver, refusedUntil, remakeAt } from '../../agent/decide/pace.ts';
import { secretMeta } from '../sync/objects.ts';
import { factsOf, failureOf, GENERATION, NOW } from './views.ts';

const after = (change: Partial<Refused> = {}, more: Partial<Facts> = {}): Facts =>
  factsOf({
    refused: {
      act: 'write',
      generation: GENERATION,
      print: 'p',
      why: failureOf('WriteRejected'),
      times: 1,
      at: NOW,
      jitter: 0,
      ...change,
    },
    ...more,
  });
/** How long the target is left alone, milliseconds. */
const wait = (change: Partial<Refused> = {}, print?: string): number | undefined => {
  const until = refusedUntil(after(change), 'target', print);
  return until === undefined ? undefined : until - NOW;
};

test('what was not refused may be tried', () => {
  assert.equal(refusedUntil(factsOf(), 'target'), undefined);
  assert.equal(refusedUntil(factsOf(), 'former'), undefined);
});

test('a resource that fails by itself is tried after 5 s, 15 s and then once a minute, a quarter later at most', () => {
  for (const [times, ms] of [
    [1, 5_000],
    [2, 15_000],
    [3, 60_000],
    [4, 60_000],
    [1_000, 60_000],
  ] as const) {
    assert.equal(wait({ times }), ms);
    assert.equal(wait({ times, jitter: 0.9 }), ms * 1.225);
  }
});

test('an API server that fails is left alone for twice as long each time, two minutes at most', () => {
  const why = failureOf('ApiUnavailable');
  const waits = Array.from({ length: 12 }, (_, index) => wait({ why, times: index + 1, jitter: 1 }));
  assert.deepEqual(waits.slice(0, 4), [2_000, 4_000, 8_000, 16_000]);
  assert.deepEqual(waits.slice(8), [120_000, 120_000, 120_000, 120_000]);
  assert.equal(wait({ why, times: 1, jitter: 0 }), 1_000);
  assert.equal(wait({ why, times: 100_000, jitter: 1 }), 120_000);
});

test('the wish of the API server is heard, two minutes at most', () => {
  const asks = (retryAfterMs: number) => new Failure('ApiUnavailable', '', { retryAfterMs });
  assert.equal(wait({ why: asks(30_000), times: 1 }), 30_000);
  assert.equal(wait({ why: asks(3_600_000), times: 1 }), 120_000);
  assert.equal(wait({ why: asks(1), times: 3, jitter: 1 }), 8_000);
});

test('a Secret that is found changed is tried at once a few times, then ever more seldom', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((times) => wait({ why: 'stale', times, jitter: 1 })),
    [0, 0, 0, 2_000, 4_000, 8_000],
  );
  assert.equal(wait({ why: 'stale', times: 50, jitter: 1 }), 60_000);
});

test('a former Secret that is found changed waits, for nothing depends on it', () => {
  const until = (times: number) =>
    refusedUntil(after({ act: 'deleteFormer', why: 'stale', times }), 'former');
  assert.deepEqual([until(1), until(9)], [NOW + 5_000, NOW + 5_000]);
});

test('a former Secret and the target are refused apart', () => {
  assert.equal(refusedUntil(after({ act: 'deleteFormer' }), 'target'), undefined);
  for (const act of ['create', 'write', 'lookUp'] as const) {
    assert.equal(refusedUntil(after({ act }), 'former'), undefined);
    assert.equal(refusedUntil(after({ act }), 'target'), NOW + 5_000);
  }
});

test('another spec is tried at once', () => {
  assert.equal(refusedUntil(after({ generation: GENERATION - 1 }), 'target'), undefined);
});

test('a refresh that was asked for since goes before any pace, and one from before does not', () => {
  const asked = (seenAt: number, handled = false) =>
    refusedUntil(after({}, { refresh: { value: 'now', seenAt, handled } }), 'target');
  assert.equal(asked(NOW + 1), undefined);
  assert.equal(asked(NOW), NOW + 5_000);
  assert.equal(asked(NOW + 1, true), NOW + 5_000);
});

test('other content may be taken, unless it is the server that fails', () => {
  assert.equal(wait({}, 'p'), 5_000);
  assert.equal(wait({}, 'q'), undefined);
  assert.equal(wait({ print: undefined }, 'q'), 5_000);
  assert.equal(wait({ why: failureOf('ApiUnavailable') }, 'q'), 1_000);
});

const undone = (...agoMs: number[]): Undone[] =>
  agoMs.map((ms) => ({ fields: 'what is left', by: 'kubectl', at: NOW - ms }));

test('a few edits are undone without a fight', () => {
  assert.equal(fightOver([]), undefined);
  assert.equal(fightOver(undone(2_000, 1_000)), undefined);
});

test('from the third on each repair waits longer than the last, a minute at most', () => {
  const waits = Array.from({ length: 12 }, (_, index) => {
    const fight = fightOver(undone(...Array<number>(3 + index).fill(0)))!;
    assert.equal(fight.over - fight.until, 10_000);
    return fight.until - NOW;
  });
  assert.deepEqual(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
  assert.deepEqual(waits.slice(9), [60_000, 60_000, 60_000]);
});

test('a fight is over the same fields, counts from the last edit, and tells by whom', () => {
  const edits: Undone[] = [...undone(30_000, 20_000, 10_000), { fields: 'other', by: 'helm', at: NOW }];
  assert.equal(fightOver(edits), undefined);
  const edited = secretMeta({ ours: 'what is left' });
  assert.deepEqual(fightOver(edits, edited), {
    by: 'kubectl',
    until: NOW - 9_000,
    over: NOW + 1_000,
  });
  assert.equal(fightOver(edits, secretMeta({ ours: 'other' })), undefined);
});

test('a Secret that vanishes is made again at once a few times, then ever more seldom, a minute at most', () => {
  const made = (times: number, agoMs = 0) => Array<number>(times).fill(NOW - agoMs);
  assert.deepEqual(
    [0, 1, 2, 3].map((times) => remakeAt(made(times), NOW)),
    [-Infinity, -Infinity, -Infinity, -Infinity],
  );
  assert.deepEqual(
    [4, 5, 6, 7, 16].map((times) => remakeAt(made(times), NOW) - NOW),
    [1_000, 2_000, 4_000, 8_000, 60_000],
  );
  assert.equal(remakeAt(made(16, 300_000), NOW), -Infinity);
});
