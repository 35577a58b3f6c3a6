import assert from 'node:assert/strict';
import { test } from 'node:test';
import { phaseOf } from '../../agent/fetch/groups.ts';
import { SAFE, Fetching } from './fetching.ts';

const HOUR = 3_600_000;

/** Moments at which groups were due, by interval. */
function watch(s: Fetching): Map<number, number[]> {
  const due = new Map<number, number[]>();
  s.onDue = (intervalMs) => due.set(intervalMs, [...(due.get(intervalMs) ?? []), s.clock.now()]);
  return due;
}

test('resources of one Safe and interval are due together, once in each interval', async () => {
  const s = new Fetching();
  const due = watch(s);
  for (let index = 0; index < 50; index++) s.groups.join(`k${index}`, SAFE.dial, 10_000);
  await s.pass(100_000);
  const times = due.get(10_000)!;
  assert.equal(times.length, 10);
  for (const [index, at] of times.entries()) assert.equal(at, times[0]! + index * 10_000);
  assert.equal(s.groups.dueAt('k0'), s.groups.dueAt('k49'));
});

test('who joins later is due with the others, and the moment does not move', async () => {
  const s = new Fetching();
  const due = watch(s);
  s.groups.join('a', SAFE.dial, 10_000);
  for (let second = 0; second < 60; second++) {
    s.groups.join(`k${second}`, SAFE.dial, 10_000);
    if (second > 3) s.groups.leave(`k${second - 3}`);
    await s.pass(1_000);
  }
  assert.equal(due.get(10_000)!.length, 6);
});

test('after a restart the moments are the same', () => {
  const [one, other] = [new Fetching(), new Fetching()];
  one.groups.join('a', SAFE.dial, HOUR);
  other.clock.jump(17 * 60_000);
  other.groups.join('b', SAFE.dial, HOUR);
  assert.equal(one.groups.dueAt('a')! % HOUR, other.groups.dueAt('b')! % HOUR);
  assert.equal(one.groups.dueAt('a')! % HOUR, phaseOf('node-1', SAFE.dial, HOUR));
});

test('each interval and each Safe is a group of its own', () => {
  const s = new Fetching();
  s.groups.join('a', SAFE.dial, 10_000);
  s.groups.join('b', SAFE.dial, 30_000);
  s.groups.join('c', 'https://other', 10_000);
  s.groups.join('d', 'https://other', 10_000);
  assert.deepEqual(
    s.groups.sizes().map(({ dial, intervalMs, members }) => [dial, intervalMs, members]),
    [
      [SAFE.dial, 10_000, 1],
      [SAFE.dial, 30_000, 1],
      ['https://other', 10_000, 2],
    ],
  );
});

test('one that changes its interval changes its group, and an empty group is no more', async () => {
  const s = new Fetching();
  const due = watch(s);
  s.groups.join('a', SAFE.dial, 10_000);
  s.groups.join('a', SAFE.dial, 30_000);
  await s.pass(60_000);
  assert.deepEqual([due.get(10_000), due.get(30_000)?.length], [undefined, 2]);
  s.groups.leave('a');
  s.groups.leave('a');
  assert.deepEqual([s.groups.sizes(), s.schedule.size, s.groups.dueAt('a')], [[], 0, undefined]);
});

test('an interval of 0 is never due', async () => {
  const s = new Fetching();
  s.groups.join('a', SAFE.dial, 10_000);
  s.groups.join('a', SAFE.dial, 0);
  assert.deepEqual([s.groups.dueAt('a'), s.groups.sizes(), s.schedule.size], [undefined, [], 0]);
});

test('agents spread over the interval', () => {
  const quarters = [0, 0, 0, 0];
  for (let node = 0; node < 1_000; node++)
    quarters[Math.floor((phaseOf(`node-${node}`, SAFE.dial, HOUR) / HOUR) * 4)]! += 1;
  for (const count of quarters) assert.ok(count > 200 && count < 300, `${count}`);
});

test('a phase lies within its interval', () => {
  for (const intervalMs of [10_000, 10_000.5, HOUR, 8_760 * HOUR, 1])
    for (let node = 0; node < 100; node++) {
      const phase = phaseOf(`node-${node}`, SAFE.dial, intervalMs);
      assert.ok(phase >= 0 && phase < intervalMs);
    }
});
