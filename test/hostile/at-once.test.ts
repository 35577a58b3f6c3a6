import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTACKS } from './attacks.ts';
import { assertBorne, Bystander } from './bystander.ts';
import { startGround } from './ground.ts';

test('beside all that a hostile tenant and a hostile pod can do, another tenant is served in time', async (t) => {
  await using ground = await startGround();
  const bystander = new Bystander(ground.stage, ground.agent);
  await bystander.settle();
  const ends: (() => void)[] = [];
  try {
    for (const attack of Object.values(ATTACKS)) ends.push((await attack(ground)) ?? (() => {}));
    const toll = await bystander.endures(1);
    t.diagnostic(JSON.stringify(toll));
    assertBorne(toll);
    assert.equal(ground.agent.child.exitCode, null);
  } finally {
    for (const end of ends) end();
  }
});
