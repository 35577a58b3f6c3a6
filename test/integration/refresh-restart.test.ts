import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { LONGEST_TIMER_MS } from '../../agent/clock.ts';
import { phaseOf } from '../../agent/fetch/groups.ts';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, failsWith, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { Crowd } from '../stage/crowd.ts';
import { untilSynced } from '../stage/metric.ts';
import { restartWritesNothing, takeoverWritesStatuses } from '../stage/restart.ts';
import { vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';
import { brief, Tally, untilStill } from '../stage/tally.ts';

const HOUR_MS = 3_600_000;

let stage: Stage;
let agent: RunningAgent | undefined;
/** A node on which 720h are due later than a timer can wait. */
let home: string;

before(async () => {
  stage = await Stage.start();
  // Safe names its secrets when there are at least two.
  await register('placeholder');
  const month = 720 * HOUR_MS;
  const awayFrom = (node: string): number =>
    (phaseOf(node, stage.safe.dial, month) - (Date.now() % month) + month) % month;
  const nodes = Array.from({ length: 100 }, (_, index) => `node-${index}`);
  home = nodes.reduce((best, node) => (awayFrom(node) > awayFrom(best) ? node : best));
  assert.ok(awayFrom(home) > LONGEST_TIMER_MS);
});
after(async () => {
  await agent?.stop();
  await stage?.close();
});

/** The agent of `node` again, by default in the product's own pace. */
async function start(node: string, options: { floorMs?: number } = {}): Promise<() => RunningAgent> {
  const env = await stage.join(node);
  return () => (agent = startInProcess(env, options));
}

const stop = async (): Promise<void> => {
  await agent?.stop();
  agent = undefined;
};

const resource = (namespace: string, name: string, fits: (object: any) => boolean = isReady): Promise<any> =>
  awaitObject(stage.cluster.admin, vssPath(namespace, name), fits);

const fromSecret = (secret: string, more: object): object => ({
  data: [{ key: 'password', ref: `${secret}.password` }],
  ...more,
});

const register = (name: string, more: object = {}): Promise<void> =>
  stage.safe.register({ name: `raw:${name}`, value: '{"password":"s3cr3t"}', namespaces: ['*'], ...more });

test('a restart with a hundred resources writes nothing, a takeover a status for each', async () => {
  const crowd = await Crowd.gather(stage, { resources: 100, namespaces: 10, secrets: 10, spec: () => ({}) });
  try {
    (await start(home))();
    await crowd.settled(30_000);
    await untilStill(stage, 1_000);
    await stop();
    await restartWritesNothing(stage, crowd, HOUR_MS, await start(home));
    await stop();
    await takeoverWritesStatuses(stage, crowd, 'elsewhere', await start('elsewhere'));
  } finally {
    await stop();
    crowd.close();
    for (const key of crowd.keys) {
      const [namespace = '', name = ''] = key.split('/');
      await stage.cluster.admin.ok('DELETE', vssPath(namespace, name));
    }
  }
});

test('refreshInterval 0s and suspend: a restart asks neither Safe nor the API server; 720h: Safe once', async () => {
  const ns = await stage.namespace('intervals');
  await register('intervals');
  await stage.cluster.apply(
    [
      vss('never', fromSecret('intervals', { refreshInterval: '0s' })),
      vss('suspended', fromSecret('intervals', { refreshInterval: '10s' })),
    ],
    ns,
  );
  (await start(home))();
  await resource(ns, 'never');
  await resource(ns, 'suspended');
  await stage.cluster.apply(
    vss('suspended', fromSecret('intervals', { refreshInterval: '10s', suspend: true })),
    ns,
  );
  await resource(ns, 'suspended', (one) => one.status.conditions[0].reason === 'Suspended');
  await untilStill(stage, 1_000);
  await stop();

  const resting = new Tally(stage);
  const running = (await start(home))();
  await running.log.when(({ msg }) => msg === 'VSecMSecrets and Secrets are known');
  await sleep(2_000);
  assert.deepEqual(resting.kube.filter(({ verb }) => verb !== 'list').map(brief), []);
  assert.equal(resting.reads.length, 0);

  // What somebody deletes comes back, unless nobody is to look.
  await stage.cluster.admin.ok('DELETE', secretPath(ns, 'suspended'));
  await stage.cluster.admin.ok('DELETE', secretPath(ns, 'never'));
  await awaitObject(stage.cluster.admin, secretPath(ns, 'never'), (secret) => secret !== undefined);
  await awaitObject(stage.cluster.admin, secretPath(ns, 'suspended'), (secret) => secret === undefined);
  assert.equal(resting.reads.length, 1);

  await stage.cluster.apply(vss('monthly', fromSecret('intervals', { refreshInterval: '720h' })), ns);
  await resource(ns, 'monthly');
  await untilStill(stage, 1_000);
  await stop();
  const monthly = new Tally(stage);
  await untilSynced((await start(home, { floorMs: 50 }))(), 1);
  // Due in a month, which is more than a timer can wait, and not at once.
  await sleep(1_000);
  assert.equal(monthly.reads.length, 1);
  assert.deepEqual(monthly.kube.filter(({ verb }) => verb !== 'list').map(brief), []);
  await stop();
});

test('notBefore and expiresAfter wake a resource at their moments, also after a restart', async () => {
  const ns = await stage.namespace('dated');
  const begins = Date.now() + 6_000;
  const ends = begins + 6_000;
  await register('dated', {
    notBefore: new Date(begins).toISOString(),
    expires: new Date(ends).toISOString(),
  });
  await stage.cluster.apply(vss('dated', fromSecret('dated', { refreshInterval: '720h' })), ns);
  (await start(home))();
  await resource(ns, 'dated', failsWith('NotYetValid'));
  await awaitObject(stage.cluster.admin, secretPath(ns, 'dated'), (secret) => secret === undefined);
  await stop();

  (await start(home))();
  const { metadata } = await awaitObject(
    stage.cluster.admin,
    secretPath(ns, 'dated'),
    (secret) => secret !== undefined,
  );
  assertAt(Date.now(), begins);
  await resource(ns, 'dated');
  await stop();

  (await start(home))();
  await resource(ns, 'dated', failsWith('Expired'));
  assertAt(Date.now(), ends);
  const kept = await awaitObject(
    stage.cluster.admin,
    secretPath(ns, 'dated'),
    (secret) => secret !== undefined,
  );
  assert.equal(kept.metadata.resourceVersion, metadata.resourceVersion);
});

/** Within two seconds after the moment, and not before it: what is seen has happened. */
function assertAt(at: number, moment: number): void {
  assert.ok(at >= moment && at <= moment + 2_000, `${at - moment} ms after its moment`);
}
