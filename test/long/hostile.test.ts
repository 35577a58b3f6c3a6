import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ATTACKS } from '../hostile/attacks.ts';
import { assertBorne, Bystander } from '../hostile/bystander.ts';
import { startGround } from '../hostile/ground.ts';

/** No tenant's resources hold the agent's loop longer, milliseconds of CPU. */
const HELD_MS = 50;
const PROBE_MS = 1_000;

describe('another tenant is served in time beside', { timeout: 600_000 }, () => {
  for (const [name, attack] of Object.entries(ATTACKS)) {
    test(name, async (t) => {
      await using ground = await startGround();
      const bystander = new Bystander(ground.stage, ground.agent);
      await bystander.settle();
      const end = await attack(ground);
      try {
        const toll = await bystander.endures(2);
        t.diagnostic(JSON.stringify(toll));
        assertBorne(toll);
        assert.ok(toll.heldMs <= HELD_MS && toll.probeMs < PROBE_MS, JSON.stringify(toll));
        assert.equal(ground.agent.child.exitCode, null);
      } finally {
        end?.();
      }
    });
  }
});
