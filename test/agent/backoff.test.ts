import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../../agent/random.ts';
import { Backoff, pause } from '../../agent/backoff.ts';
import { FakeClock } from '../fake-clock.ts';

test('the ceiling doubles with each attempt up to the longest, and begins anew after a reset', () => {
  const backoff = new Backoff({ firstMs: 1_000, maxMs: 10_000, random: () => 1 });
  const delays = Array.from({ length: 6 }, () => backoff.next());
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  assert.equal(backoff.attempt, 6);
  backoff.reset();
  assert.equal(backoff.attempt, 0);
  assert.equal(backoff.next(), 1_000);
});

test('every delay lies between nothing and its ceiling, however many attempts there were', () => {
  const delays = fc.record({
    firstMs: fc.integer({ min: 1, max: 60_000 }),
    maxMs: fc.integer({ min: 1, max: 3_600_000 }),
    attempts: fc.integer({ min: 1, max: 2_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });
  fc.assert(
    fc.property(delays, ({ firstMs, maxMs, attempts, random }) => {
      const backoff = new Backoff({ firstMs, maxMs, random: () => random });
      for (let attempt = 0; attempt < attempts; attempt++) {
        const delay = backoff.next();
        assert.ok(delay >= 0 && delay <= Math.min(maxMs, firstMs * 2 ** attempt), `${delay}`);
      }
    }),
  );
});

test('jitter is full: delays spread over the whole range below the ceiling', () => {
  const first = Array.from({ length: 400 }, () =>
    new Backoff({ firstMs: 1_000, maxMs: 1_000, random: systemRandom }).next(),
  );
  for (const [from, to] of [
    [0, 250],
    [250, 500],
    [500, 750],
    [750, 1_001],
  ] as const)
    assert.ok(first.filter((delay) => delay >= from && delay < to).length > 40, `between ${from} and ${to}`);
});

test('a pause ends after its time', async () => {
  const clock = new FakeClock();
  let ended = false;
  void pause(clock, 1_000, new AbortController().signal).then(() => (ended = true));
  await clock.advance(999);
  assert.equal(ended, false);
  await clock.advance(1);
  assert.equal(ended, true);
});

test('a pause ends with its signal and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const pausing = pause(clock, 1_000, stop.signal);
  stop.abort();
  await pausing;
  assert.deepEqual(clock.pending, []);
  await pause(clock, 1_000, stop.signal);
  assert.deepEqual(clock.pending, []);
});
