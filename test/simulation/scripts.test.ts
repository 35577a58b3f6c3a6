import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptScripts } from './kept.ts';
import { run } from './run.ts';

for (const { name, invariant, awaits, setting, events } of keptScripts()) {
  test(`${name}: ${invariant} holds`, { ...(awaits !== undefined && { todo: awaits }) }, async () => {
    const { violations } = await run(setting, events, { until: invariant });
    const found = violations.filter((one) => one.invariant === invariant);
    assert.deepEqual(found, []);
  });
}
