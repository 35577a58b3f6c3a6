import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { PACE } from '../../agent/sync/engine.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { startProcess, type RunningAgent } from '../stage/agents.ts';
import { Crowd } from '../stage/crowd.ts';
import { Outage, SLACK_MS, type OutageOptions } from '../stage/outage.ts';
import { Stage } from '../stage/stage.ts';

const INTERVAL_MS = 10_000;
const FLOOR_MS = 5_000;
const STALE_MS = 30_000;
const SECRETS = 20;

describe('300 resources and the pace of the product', { timeout: 900_000 }, () => {
  let stage: Stage;
  let crowd: Crowd;
  let agent: RunningAgent;
  let options: OutageOptions;
  before(async () => {
    stage = await Stage.start();
    crowd = await Crowd.gather(stage, {
      resources: 300,
      namespaces: 30,
      secrets: SECRETS,
      spec: (index) => ({ refreshInterval: '10s', ...(index === 0 && { maxStaleness: '30s' }) }),
    });
    agent = startProcess(await stage.join('node-1'));
    options = { stage, crowd, agent, pace: PACE, floorMs: FLOOR_MS };
    await crowd.settled(60_000);
  });
  after(async () => {
    crowd?.close();
    await agent?.stop();
    await stage?.close();
  });

  const first = 'crowd-0/r0';
  const freshOf = (key: string): any =>
    crowd.resources.get(key).status.conditions.find((one: any) => one.type === 'Fresh');

  test(
    'Safe away for several intervals: one stream of attempts, Secrets restored, statuses after a minute, all fresh one step after its return',
    { timeout: 500_000 },
    async () => {
      const outage = await Outage.begin(options, 'SafeUnreachable', () => (stage.safe.fault = faults.drop()));
      await outage.restores('crowd-2/r2');
      crowd.set(3, 'changed meanwhile');
      await crowd.until('stale', (key) => freshOf(key)?.status === 'False', STALE_MS + SLACK_MS, [first]);
      const lateMs = Date.now() - outage.since - STALE_MS;
      assert.ok(
        lateMs >= -INTERVAL_MS - SLACK_MS && lateMs <= SLACK_MS,
        `stale ${lateMs} ms after its moment`,
      );
      await outage.spreadsSlowly('SafeUnreachable', [first, 'crowd-2/r2']);
      await outage.ends(() => (stage.safe.fault = undefined));
      assert.equal(freshOf(first).status, 'True');
      outage.deletedNothing(['crowd-2/r2']);
    },
  );

  test(
    'a Safe without its root key, and one that has lost everything: nothing is deleted',
    { timeout: 300_000 },
    async () => {
      const locked = await Outage.begin(options, 'SafeNotReady', () => stage.safe.restart({ manual: true }));
      await locked.restores('crowd-4/r4');
      crowd.set(5, 'changed meanwhile');
      await sleep(INTERVAL_MS);
      await locked.ends(() => stage.safe.giveRootKey());
      locked.deletedNothing(['crowd-4/r4']);

      const empty = await Outage.begin(options, 'SafeHasNoSecrets', () =>
        stage.safe.restart({ lose: 'all' }),
      );
      await empty.restores('crowd-6/r6');
      await sleep(INTERVAL_MS);
      await empty.ends(() => {
        stage.safe.store.register({ name: 'raw:placeholder', value: 'placeholder' });
        for (let index = 0; index < SECRETS; index++) crowd.set(index, `registered anew ${index}`);
      });
      empty.deletedNothing(['crowd-6/r6']);
    },
  );
});
