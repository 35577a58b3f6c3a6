import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './run.ts';
import { scriptOf, swarmOf } from './script.ts';
import { SMALL } from './setting.ts';

/**
 * The same ones each time, and some that nobody has seen. Of those about one in a hundred still shows something, mostly
 * an invariant that is too strict: it is told with its seed, to be shrunk, and fails nobody who did not cause it.
 */
const FIXED = 30;
const NEW = 5;
const MINUTES = 40;

const newest = Date.now() % 1_000_000_000;
const seeds = [
  ...Array.from({ length: FIXED }, (_, index) => index + 1),
  ...Array.from({ length: NEW }, (_, index) => newest + index),
];

for (const [index, seed] of seeds.entries()) {
  const todo = index >= FIXED && 'a seed that nobody has seen';
  test(
    `nothing is violated in the world of seed ${seed}: ${swarmOf(seed).join(', ')}`,
    { todo },
    async () => {
      const setting = { ...SMALL, seed, minutes: MINUTES };
      const { violations } = await run(setting, scriptOf(setting));
      const said = violations.map(
        ({ at, invariant, text }) => `${(at / 1000).toFixed(3)} s ${invariant}: ${text}`,
      );
      assert.deepEqual(said.slice(0, 5), [], `npm run simulate -- --seed ${seed} --minutes ${MINUTES}`);
    },
  );
}
