import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { Turns } from '../../agent/turns.ts';

function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Sixteen workers with pieces of work that wait for nothing; how often others had a turn meanwhile. */
async function othersTurns(turns: Turns, pieces: number, ms: number): Promise<number> {
  let left = pieces;
  let others = 0;
  let working = true;
  const other = (): void => {
    others += 1;
    if (working) setImmediate(other);
  };
  setImmediate(other);
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      await turns.take();
      busy(ms);
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  working = false;
  return others;
}

test('work that waits for nothing lets others have their turns', async () => {
  const others = await othersTurns(new Turns({ clock: systemClock }), 300, 1);
  assert.ok(others >= 5, `${others} turns in 300 ms`);
});

test('without a limit it would not', async () => {
  assert.ok((await othersTurns(new Turns({ clock: systemClock, stretchMs: Infinity }), 100, 1)) <= 1);
});

test('a little work is done within one turn', async () => {
  const turns = new Turns({ clock: systemClock, stretchMs: 10_000 });
  let turned = false;
  setImmediate(() => (turned = true));
  for (let index = 0; index < 1_000; index++) await turns.take();
  assert.equal(turned, false);
});

test('a stretch begins anew with each turn', async () => {
  let now = 0;
  const turns = new Turns({ stretchMs: 5, clock: { now: () => now } });
  for (let index = 0; index < 3; index++) {
    await turns.take();
    // Another turn, and more time than a stretch.
    await new Promise((resolve) => setImmediate(resolve));
    now += 10;
    let turned = false;
    setImmediate(() => (turned = true));
    await turns.take();
    await turns.take();
    assert.equal(turned, false);
  }
});
