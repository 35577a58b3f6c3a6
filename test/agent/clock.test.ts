import assert from 'node:assert/strict';
import { test, type mock, type TestContext } from 'node:test';
import { dateOf, LONGEST_TIMER_MS, systemClock } from '../../agent/clock.ts';

function timers(t: TestContext): typeof mock.timers {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return t.mock.timers;
}

test('a callback runs once, after its time', (t) => {
  const time = timers(t);
  let runs = 0;
  systemClock.after(1_000, () => (runs += 1));
  time.tick(999);
  assert.equal(runs, 0);
  time.tick(1);
  time.tick(10_000);
  assert.equal(runs, 1);
});

test('no delay and a negative one run at once', (t) => {
  const time = timers(t);
  const ran: string[] = [];
  systemClock.after(0, () => ran.push('zero'));
  systemClock.after(-5, () => ran.push('negative'));
  time.tick(0);
  time.tick(1);
  assert.deepEqual(ran.sort(), ['negative', 'zero']);
});

for (const [name, ms] of [
  ['the longest timer', LONGEST_TIMER_MS],
  ['one millisecond more than the longest timer', LONGEST_TIMER_MS + 1],
  ['720h', 720 * 3_600_000],
  ['8760h', 8_760 * 3_600_000],
] as const) {
  test(`a wait of ${name} neither ends early nor late`, (t) => {
    const time = timers(t);
    let runs = 0;
    systemClock.after(ms, () => (runs += 1));
    for (let left = ms - 1; left > 0; left -= LONGEST_TIMER_MS) time.tick(Math.min(left, LONGEST_TIMER_MS));
    assert.equal(runs, 0);
    time.tick(1);
    assert.equal(runs, 1);
  });
}

test('a cancelled wait never runs, in whichever of its steps it is', (t) => {
  const time = timers(t);
  let runs = 0;
  const cancels = [10, LONGEST_TIMER_MS * 2, LONGEST_TIMER_MS * 2].map((ms) =>
    systemClock.after(ms, () => (runs += 1)),
  );
  cancels[0]!();
  cancels[1]!();
  time.tick(LONGEST_TIMER_MS);
  time.tick(10);
  cancels[2]!();
  time.tick(LONGEST_TIMER_MS);
  time.tick(LONGEST_TIMER_MS);
  assert.equal(runs, 0);
});

test('the time passes evenly when the wall clock is set, and dates are those of the wall clock', (t) => {
  const { now } = Date;
  let shift = 0;
  t.mock.method(Date, 'now', () => now.call(Date) + shift);
  const before = systemClock.now();
  for (shift of [-3_600_000, 5 * 3_600_000, 0]) {
    const after = systemClock.now();
    assert.ok(after >= before && after - before < 1_000);
    assert.ok(Math.abs(dateOf(systemClock, before).getTime() - now.call(Date) - shift) < 1_000);
    assert.ok(Math.abs(systemClock.wall() - now.call(Date) - shift) < 1_000);
  }
});

test('the time is whole milliseconds', () => {
  for (let index = 0; index < 100; index++) assert.ok(Number.isInteger(systemClock.now()));
});
