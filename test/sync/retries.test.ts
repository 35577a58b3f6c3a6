import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schedule } from '../../agent/schedule.ts';
import { Retries, RETRY_PACE } from '../../agent/sync/retries.ts';
import { FakeClock } from '../fake-clock.ts';

function begin() {
  const clock = new FakeClock();
  const start = clock.now();
  const schedule = new Schedule({ clock });
  const came: [key: string, after: number][] = [];
  const retries = new Retries({
    pace: RETRY_PACE,
    clock,
    schedule,
    enqueue: (key, urgent) => {
      assert.equal(urgent, false);
      came.push([key, clock.now() - start]);
    },
  });
  const set = (key: string, ms: number | undefined, failing: boolean) =>
    retries.set(key, ms === undefined ? undefined : start + ms, failing);
  const due = (key: string) => {
    const at = retries.dueAt(key);
    return at === undefined ? undefined : at - start;
  };
  return { clock, schedule, retries, came, set, due };
}

test('a resource is reconciled again at its moment, once', async () => {
  const { clock, came, set, due } = begin();
  set('a/x', 5_000, false);
  assert.equal(due('a/x'), 5_000);
  await clock.advance(60_000);
  assert.deepEqual(came, [['a/x', 5_000]]);
  assert.equal(due('a/x'), undefined);
});

test('the moment moves with what is decided, both ways, and goes with it', async () => {
  const { clock, came, set, due } = begin();
  set('a/x', 5_000, false);
  set('a/x', 9_000, false);
  assert.equal(due('a/x'), 9_000);
  set('a/x', 2_000, false);
  assert.equal(due('a/x'), 2_000);
  set('a/x', undefined, false);
  assert.equal(due('a/x'), undefined);
  await clock.advance(60_000);
  assert.deepEqual(came, []);
});

test('a moment that has passed is now', async () => {
  const { clock, came, set } = begin();
  clock.jump(3_000);
  set('a/x', 1_000, false);
  await clock.advance(0);
  assert.deepEqual(came, [['a/x', 3_000]]);
});

test('what is forgotten does not come', async () => {
  const { clock, came, retries, set, schedule } = begin();
  set('a/x', 1_000, true);
  retries.forget('a/x');
  retries.forget('a/never');
  await clock.advance(5_000);
  assert.deepEqual([came, schedule.size], [[], 0]);
});

test('those of one namespace that fail come a second apart, those of another beside them', async () => {
  const { clock, came, set } = begin();
  for (const key of ['a/1', 'a/2', 'a/3', 'b/1']) set(key, 1_000, true);
  await clock.advance(10_000);
  const of = (namespace: string) =>
    came.filter(([key]) => key.startsWith(namespace)).map(([, after]) => after);
  assert.deepEqual([of('a'), of('b')], [[1_000, 2_000, 3_000], [1_050]]);
  assert.equal(new Set(came.map(([key]) => key)).size, 4);
});

test('however many of a namespace fail, and however soon they wish, they are sixty a minute', async () => {
  const { clock, came, set } = begin();
  for (let index = 0; index < 1_000; index += 1) set(`a/${index}`, 0, true);
  await clock.advance(60_000);
  assert.ok(came.length >= 59 && came.length <= 61, `${came.length}`);
});

test('those that wait for a moment of their own are not counted', async () => {
  const { clock, came, set } = begin();
  for (let index = 0; index < 100; index += 1) set(`a/${index}`, 1_000, false);
  await clock.advance(1_000);
  assert.equal(came.length, 100);
});

test('who was put off for the others has the moment that is decided meanwhile, or none', async () => {
  const { clock, set, due } = begin();
  for (const key of ['a/1', 'a/2', 'a/3', 'a/4']) set(key, 1_000, true);
  await clock.advance(1_000);
  set('a/3', 60_000, true);
  set('a/4', undefined, false);
  assert.deepEqual([due('a/3'), due('a/4')], [60_000, undefined]);
});

test('who has to wait for longer than it has its place for gets another', () => {
  const { set, due } = begin();
  set('a/1', 1_000, true);
  set('a/1', 60_000, true);
  assert.equal(due('a/1'), 60_000);
});

test('who may be tried sooner than before is', async () => {
  const { clock, set, came } = begin();
  set('a/1', 365 * 86_400_000, true);
  set('a/1', 5_000, true);
  await clock.advance(5_000);
  assert.deepEqual(came, [['a/1', 5_000]]);
});

test('one that waits for long does not hold up the others of its namespace', async () => {
  const { clock, set, came } = begin();
  // Such as a secret that is valid in a year.
  set('a/patient', 365 * 86_400_000, true);
  set('a/other', 5_000, true);
  await clock.advance(5_000);
  assert.deepEqual(came, [['a/other', 5_000]]);
});
