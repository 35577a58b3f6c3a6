import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startInProcess } from '../stage/agents.ts';
import { Crowd } from '../stage/crowd.ts';
import { newcomer } from '../stage/newcomer.ts';
import { NoisyTenant, noisySpec } from '../stage/noisy-tenant.ts';
import { Stage } from '../stage/stage.ts';

const FLOOR_MS = 5_000;
const SLACK_MS = 2_000;

test('a tenant with 500 resources, bad refs and flapping annotations delays another one’s new Secret by no more than the floor', async (t) => {
  await using stage = await Stage.start();
  const crowd = await Crowd.gather(stage, { resources: 500, namespaces: 1, secrets: 10, spec: noisySpec });
  const agent = startInProcess(await stage.join('node-1'));
  const noise = new NoisyTenant(stage, crowd);
  try {
    await crowd.until('seen', (key) => crowd.resources.get(key)?.status?.node === 'node-1', 30_000);
    const { secretMs, readyMs } = await newcomer(stage, 'quiet');
    t.diagnostic(
      `Secret after ${Math.round(secretMs)} ms, Ready after ${Math.round(readyMs)} ms, ${noise.flaps} flaps`,
    );
    assert.ok(secretMs <= FLOOR_MS + SLACK_MS, `the Secret came after ${secretMs} ms`);
  } finally {
    await noise.rest();
    crowd.close();
    await agent.stop();
  }
});
