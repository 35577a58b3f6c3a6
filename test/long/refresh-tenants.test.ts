import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { startProcess } from '../stage/agents.ts';
import { Crowd } from '../stage/crowd.ts';
import { newcomer } from '../stage/newcomer.ts';
import { NoisyTenant, noisySpec } from '../stage/noisy-tenant.ts';
import { Stage } from '../stage/stage.ts';

const FLOOR_MS = 5_000;
const SLACK_MS = 2_000;
const NEWCOMERS = 8;

test(
  'a tenant with 5,000 resources, bad refs and flapping annotations delays another one’s new Secret by no more than the floor',
  { timeout: 400_000 },
  async (t) => {
    await using stage = await Stage.start();
    const crowd = await Crowd.gather(stage, {
      resources: 5_000,
      namespaces: 1,
      secrets: 100,
      spec: noisySpec,
    });
    const agent = startProcess(await stage.join('node-1'));
    const noise = new NoisyTenant(stage, crowd);
    try {
      // While the tenant's resources are all new, and later when they only flap.
      for (let index = 0; index < NEWCOMERS; index++) {
        if (index === NEWCOMERS / 2)
          await crowd.until('served', (key) => crowd.resources.get(key)?.status?.node === 'node-1', 200_000);
        const { secretMs, readyMs } = await newcomer(stage, `quiet-${index}`);
        t.diagnostic(
          `Secret after ${Math.round(secretMs)} ms, Ready after ${Math.round(readyMs)} ms, ${noise.flaps} flaps`,
        );
        assert.ok(secretMs <= FLOOR_MS + SLACK_MS, `the Secret came after ${secretMs} ms`);
        // At another moment between two requests to Safe each time.
        await sleep((index % 5) * 1_000);
      }
    } finally {
      await noise.rest();
      crowd.close();
      await agent.stop();
    }
  },
);
