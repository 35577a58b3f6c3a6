import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { vssPath } from '../stage/await-object.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { Crowd } from '../stage/crowd.ts';
import { Outage, SLACK_MS, type OutageOptions } from '../stage/outage.ts';
import { FAST, Stage } from '../stage/stage.ts';

const FLOOR_MS = 50;
const SECRETS = 20;
const STALE_MS = 10_000;

let stage: Stage;
let crowd: Crowd;
let agent: RunningAgent;
let options: OutageOptions;

before(async () => {
  stage = await Stage.start();
  crowd = await Crowd.gather(stage, {
    resources: 100,
    namespaces: 10,
    secrets: SECRETS,
    spec: (index) => ({ refreshInterval: '10s', ...(index === 0 && { maxStaleness: '10s' }) }),
  });
  agent = startInProcess(await stage.join('node-1'), { pace: FAST, floorMs: FLOOR_MS });
  options = { stage, crowd, agent, pace: FAST, floorMs: FLOOR_MS };
  await crowd.settled(30_000);
});
after(async () => {
  crowd?.close();
  await agent?.stop();
  await stage?.close();
});

// A test that failed leaves a Safe that answers to the next one.
afterEach(() => {
  stage.safe.fault = undefined;
  stage.safe.giveRootKey();
});

const [first = '', second = ''] = ['crowd-0/r0', 'crowd-1/r1'];

/** The next look at Safe, without waiting for the interval. */
async function force(key: string): Promise<void> {
  const [namespace = '', name = ''] = key.split('/');
  const patch = { metadata: { annotations: { 'vsecm.com/refresh': String(Date.now()) } } };
  await stage.cluster.admin.ok('PATCH', vssPath(namespace, name), patch, {
    'content-type': 'application/merge-patch+json',
  });
}

const freshOf = (key: string): any =>
  crowd.resources.get(key).status.conditions.find((one: any) => one.type === 'Fresh');

test('while Safe is away one stream of attempts is at its door, what is deleted comes back, and statuses tell of it late and slowly', async () => {
  assert.equal(freshOf(first).status, 'True');
  const outage = await Outage.begin(options, 'SafeUnreachable', async () => {
    stage.safe.fault = faults.drop();
    await force(second);
  });
  await outage.restores('crowd-2/r2');
  crowd.set(3, 'changed meanwhile');
  await outage.spreadsSlowly('SafeUnreachable', [second, 'crowd-2/r2']);

  await crowd.until('stale', (key) => freshOf(key).status === 'False', STALE_MS + SLACK_MS, [first]);
  // It counts from Safe's last confirmation, which was some time before the outage.
  const lateMs = Date.now() - outage.since - STALE_MS;
  assert.ok(lateMs >= -STALE_MS && lateMs <= SLACK_MS, `stale ${lateMs} ms after its moment`);

  await outage.ends(() => (stage.safe.fault = undefined));
  assert.equal(freshOf(first).status, 'True');
  outage.deletedNothing(['crowd-2/r2']);
});

test('a Safe that waits for its root key: 400, and nothing is deleted', async () => {
  const outage = await Outage.begin(options, 'SafeNotReady', async () => {
    await stage.safe.restart({ manual: true });
    await force(second);
  });
  await outage.restores('crowd-4/r4');
  crowd.set(5, 'changed meanwhile');
  await outage.ends(() => stage.safe.giveRootKey());
  outage.deletedNothing(['crowd-4/r4']);
});

test('a Safe that has lost everything: 404, and nothing is deleted', async () => {
  const outage = await Outage.begin(options, 'SafeHasNoSecrets', async () => {
    await stage.safe.restart({ lose: 'all' });
    await force(second);
  });
  await outage.restores('crowd-6/r6');
  await outage.ends(() => {
    stage.safe.store.register({ name: 'raw:placeholder', value: 'placeholder' });
    for (let index = 0; index < SECRETS; index++) crowd.set(index, `registered anew ${index}`);
  });
  outage.deletedNothing(['crowd-6/r6']);
});
