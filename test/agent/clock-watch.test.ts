import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchClock } from '../../agent/clock-watch.ts';
import { FakeClock } from '../fake-clock.ts';

test('that the clock was set shows within seconds, each time once, and a slewed clock is none that was set', async () => {
  const clock = new FakeClock();
  const steps: number[] = [];
  const stop = new AbortController();
  const end = watchClock({ clock, onSet: (byMs) => steps.push(byMs) }, stop.signal);
  await clock.advance(60_000);
  clock.set(-3 * 3_600_000);
  await clock.advance(60_000);
  clock.set(5 * 3_600_000);
  await clock.advance(5_000);
  for (let i = 0; i < 100; i++) {
    clock.set(3);
    await clock.advance(5_000);
  }
  assert.deepEqual(steps, [-3 * 3_600_000, 5 * 3_600_000]);
  stop.abort();
  await end;
  assert.deepEqual(clock.pending, []);
});
