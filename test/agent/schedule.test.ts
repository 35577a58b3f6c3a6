import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LONGEST_TIMER_MS, systemClock } from '../../agent/clock.ts';
import { Schedule } from '../../agent/schedule.ts';
import { FakeClock } from '../fake-clock.ts';

function begin() {
  const clock = new FakeClock(0);
  const schedule = new Schedule({ clock });
  const ran: string[] = [];
  const set = (id: string, at: number): void => schedule.set(id, at, () => ran.push(`${id}@${clock.now()}`));
  return { clock, schedule, ran, set };
}

test('what is due runs once, at its time, in the order of the times', async () => {
  const { clock, ran, set } = begin();
  for (const at of [50, 10, 40, 20, 30]) set(`t${at}`, at);
  await clock.advance(100);
  assert.deepEqual(ran, ['t10@10', 't20@20', 't30@30', 't40@40', 't50@50']);
});

test('one timer serves all', async () => {
  const { clock, schedule, set } = begin();
  for (let at = 1_000; at > 0; at--) set(`t${at}`, at);
  assert.deepEqual(clock.pending, [1]);
  assert.equal(schedule.size, 1_000);
  schedule.clear();
  assert.deepEqual([clock.pending, schedule.size], [[], 0]);
});

test('an id that is set again moves, to sooner and to later', async () => {
  const { clock, schedule, ran, set } = begin();
  set('a', 50);
  set('b', 40);
  set('a', 10);
  set('b', 60);
  assert.deepEqual([schedule.dueAt('a'), schedule.dueAt('b'), schedule.dueAt('c')], [10, 60, undefined]);
  await clock.advance(55);
  assert.deepEqual(ran, ['a@10']);
  assert.deepEqual(clock.pending, [5]);
});

test('what was deleted does not run, and deleting what is not there does nothing', async () => {
  const { clock, schedule, ran, set } = begin();
  set('a', 10);
  set('b', 20);
  schedule.delete('a');
  schedule.delete('never');
  await clock.advance(30);
  assert.deepEqual(ran, ['b@20']);
});

test('all that is due at one moment runs at that moment', async () => {
  const { clock, ran, set } = begin();
  for (const id of ['a', 'b', 'c', 'd', 'e']) set(id, 10);
  await clock.advance(10);
  assert.deepEqual(ran.sort(), ['a@10', 'b@10', 'c@10', 'd@10', 'e@10']);
});

test('what is due already runs from the timer and not from within set', async () => {
  const { clock, ran, set } = begin();
  await clock.advance(100);
  set('now', 100);
  set('past', 5);
  assert.deepEqual(ran, []);
  await clock.advance(0);
  assert.deepEqual(ran, ['past@100', 'now@100']);
});

test('a callback may set itself again, set others and delete others that are due', async () => {
  const { clock, schedule, ran, set } = begin();
  const again = (): void => {
    ran.push(`again@${clock.now()}`);
    schedule.delete('victim');
    set('late', clock.now() + 5);
    if (clock.now() < 30) schedule.set('again', clock.now() + 10, again);
  };
  schedule.set('again', 10, again);
  set('victim', 11);
  await clock.advance(100);
  assert.deepEqual(ran, ['again@10', 'late@15', 'again@20', 'late@25', 'again@30', 'late@35']);
});

test('time that jumped past several moments runs all of them, in order', async () => {
  const { clock, ran, set } = begin();
  set('b', 20);
  set('a', 10);
  set('c', 5_000);
  clock.jump(1_000);
  await clock.advance(0);
  assert.deepEqual(ran, ['a@1000', 'b@1000']);
  assert.deepEqual(clock.pending, [4_000]);
});

for (const hours of [720, 8_760])
  test(`${hours}h are waited for in full, although no timer of Node takes so long`, (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let now = 0;
    const clock = { ...systemClock, now: () => now };
    const schedule = new Schedule({ clock });
    let ran = 0;
    const at = hours * 3_600_000;
    schedule.set('far', at, () => (ran += 1));
    const pass = (ms: number): void => {
      now += ms;
      t.mock.timers.tick(ms);
    };
    for (let left = at - 1; left > 0; left -= LONGEST_TIMER_MS) pass(Math.min(left, LONGEST_TIMER_MS));
    assert.equal(ran, 0);
    pass(1);
    assert.equal(ran, 1);
  });

type Step = { do: 'set'; id: number; in: number } | { do: 'delete'; id: number } | { do: 'pass'; ms: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('set' as const), id: fc.nat(30), in: fc.integer({ min: -20, max: 200 }) }),
    fc.record({ do: fc.constant('delete' as const), id: fc.nat(30) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(60) }),
  ),
  { maxLength: 120 },
);

/** The same by a plain list: what has run, with the moment. */
function expected(all: readonly Step[]): { ran: [string, number][]; left: Map<string, number> } {
  const due = new Map<string, number>();
  const ran: [string, number][] = [];
  let now = 0;
  for (const step of all) {
    if (step.do === 'set') due.set(`${step.id}`, now + step.in);
    else if (step.do === 'delete') due.delete(`${step.id}`);
    else {
      for (const [id, at] of [...due].sort(([, a], [, b]) => a - b)) {
        if (at > now + step.ms) continue;
        due.delete(id);
        ran.push([id, Math.max(at, now)]);
      }
      now += step.ms;
    }
  }
  return { ran, left: due };
}

test('whatever is set, moved and deleted, the heap does what a plain list would', async () => {
  const inOrder = ([a, x]: [string, number], [b, y]: [string, number]): number => x - y || (a < b ? -1 : 1);
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const clock = new FakeClock(0);
      const schedule = new Schedule({ clock });
      const ran: [string, number][] = [];
      for (const step of all) {
        if (step.do === 'pass') await clock.advance(step.ms);
        else if (step.do === 'delete') schedule.delete(`${step.id}`);
        else schedule.set(`${step.id}`, clock.now() + step.in, () => ran.push([`${step.id}`, clock.now()]));
      }
      const model = expected(all);
      assert.deepEqual(ran.sort(inOrder), model.ran.sort(inOrder));
      assert.equal(schedule.size, model.left.size);
      for (const [id, at] of model.left) assert.equal(schedule.dueAt(id), at);
      assert.ok(clock.pending.length <= 1);
    }),
    { numRuns: 60 },
  );
});
