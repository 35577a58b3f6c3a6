import assert from 'node:assert/strict';
import { test } from 'node:test';
import { huntMutant, SECONDS, SEEDS } from '../simulation/mutation.ts';
import { MUTANTS } from '../simulation/mutants.ts';
import { run } from '../simulation/run.ts';
import { scriptOf } from '../simulation/script.ts';
import { SMALL } from '../simulation/setting.ts';

const MINUTES = 60;
/** How many of the worlds may show a violation: it was one in a hundred. */
const MOST_SHARE = 0.05;
/** How long seeds are tried, milliseconds. */
const BUDGET_MS = 8 * 60_000;

test(
  'next to nothing is violated in the worlds that fit into eight minutes',
  { timeout: 2 * BUDGET_MS },
  async (t) => {
    const first = Date.now() % 1_000_000_000;
    const end = performance.now() + BUDGET_MS;
    let seed = first;
    const bad: string[] = [];
    for (; performance.now() < end; seed++) {
      const setting = { ...SMALL, seed, minutes: MINUTES };
      const { violations } = await run(setting, scriptOf(setting));
      const [one] = violations;
      if (one)
        bad.push(`npm run simulate -- --seed ${seed} --minutes ${MINUTES}: ${one.invariant}: ${one.text}`);
    }
    for (const line of bad) t.diagnostic(line);
    t.diagnostic(`seeds ${first} to ${seed - 1}, ${bad.length} of them with a violation`);
    // Some invariants are still too strict for one world in a hundred: each is to be shrunk and understood.
    assert.ok(bad.length <= MOST_SHARE * (seed - first) + 1, bad.join('\n'));
  },
);

for (const mutant of MUTANTS) {
  test(`planted in ${mutant.file}: ${mutant.name}`, async () => {
    const { seeds, wallSeconds, trouble } = await huntMutant(mutant);
    assert.equal(trouble, undefined);
    assert.ok(seeds !== undefined, `not found within ${SEEDS} seeds and ${SECONDS} s (${wallSeconds} s)`);
  });
}
