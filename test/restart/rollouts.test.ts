import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Workload } from '../../agent/api/restart.ts';
import { restartsOf } from '../../agent/decide/restarts.ts';
import { ROLLOUT_PACE } from '../../agent/restart/rollout.ts';
import { Rollouts } from '../../agent/restart/rollouts.ts';
import { FakeClock } from '../fake-clock.ts';
import { WorkloadStand } from './workload-stand.ts';

const SHOP: Workload = { kind: 'Deployment', name: 'shop' };
const MARK = 'vsecm.com/secret.';

function stand() {
  const clock = new FakeClock();
  const api = new WorkloadStand();
  const mine = new Set(['shop/db', 'shop/mail']);
  const changed: string[] = [];
  const rollouts = new Rollouts({
    api,
    clock,
    pace: ROLLOUT_PACE,
    log: { info: () => {} },
    owns: (key) => mine.has(key),
    changed: (key) => changed.push(key),
  });
  const ask = (secret: string, revision: number, workload = SHOP): void =>
    rollouts.ask('shop', workload, { key: `shop/${secret}`, secret, revision });
  return { clock, api, mine, changed, rollouts, ask };
}

test('a workload is marked ten seconds after the change, once, and the resource is told', async () => {
  const { clock, api, changed, rollouts, ask } = stand();
  ask('db', 2);
  await clock.advance(9_999);
  ask('db', 2);
  assert.deepEqual([api.looks, api.marked], [0, []]);
  await clock.advance(1);
  assert.deepEqual(api.marked, [['deployment/shop', { [`${MARK}db`]: '2' }]]);
  assert.deepEqual(rollouts.of('shop/db').get('deployment/shop'), { revision: 2, failure: undefined });
  assert.deepEqual(changed, ['shop/db']);
  await clock.advance(3_600_000);
  assert.equal(api.looks, 1);
  assert.deepEqual(clock.pending, []);
});

test('Secrets that change together are one rollout', async () => {
  const { clock, api, changed, ask } = stand();
  ask('db', 2);
  await clock.advance(9_000);
  ask('mail', 7);
  await clock.advance(60_000);
  assert.deepEqual(api.marked, [['deployment/shop', { [`${MARK}db`]: '2', [`${MARK}mail`]: '7' }]]);
  assert.deepEqual(changed, ['shop/db', 'shop/mail']);
});

test('a Secret that keeps changing does not put the rollout off for longer than a minute', async () => {
  const { clock, api, ask } = stand();
  for (let revision = 2; revision < 20; revision++) {
    ask('db', revision);
    await clock.advance(5_000);
  }
  assert.deepEqual(
    api.marked.map(([, marks]) => marks[`${MARK}db`]),
    ['13'],
  );
  await clock.advance(10_000);
  assert.deepEqual(api.marked.at(-1)![1], { [`${MARK}db`]: '19' });
  assert.equal(api.marked.length, 2);
});

test('without consent it is told, tried again, and done once there is consent', async () => {
  const { clock, api, rollouts, ask } = stand();
  api.consents = false;
  ask('db', 2);
  await clock.advance(10_000);
  const { failure } = rollouts.of('shop/db').get('deployment/shop')!;
  assert.equal(failure!.code, 'RestartNotAllowed');
  assert.equal(
    failure!.message,
    'deployment/shop is to be restarted, and does not carry vsecm.com/allow-restart: "true"',
  );
  await clock.advance(3_600_000);
  assert.ok(api.looks <= 63, `${api.looks} looks within an hour`);
  api.consents = true;
  await clock.advance(60_000);
  assert.deepEqual(api.marked, [['deployment/shop', { [`${MARK}db`]: '2' }]]);
  assert.equal(rollouts.of('shop/db').get('deployment/shop')!.failure, undefined);
});

for (const [refusal, code] of [
  ['missing', 'RestartFailed'],
  ['forbidden', 'RestartNotAllowed'],
  ['invalid', 'RestartFailed'],
  ['unavailable', 'RestartFailed'],
] as const) {
  test(`what is ${refusal} is told as ${code}, and tried again`, async () => {
    const { clock, api, rollouts, ask } = stand();
    api.refusals.push(refusal);
    ask('db', 2);
    await clock.advance(10_000);
    assert.equal(rollouts.of('shop/db').get('deployment/shop')!.failure!.code, code);
    await clock.advance(5_000);
    assert.equal(api.marked.length, 1);
  });
}

test('a workload that changes meanwhile is looked at again, and told of if it never rests', async () => {
  const { clock, api, rollouts, ask } = stand();
  api.refusals.push('stale', 'stale', 'stale');
  ask('db', 2);
  await clock.advance(10_000);
  assert.equal(api.marked.length, 1);
  api.refusals.push('stale', 'stale', 'stale', 'stale');
  ask('db', 3);
  await clock.advance(10_000);
  assert.equal(rollouts.of('shop/db').get('deployment/shop')!.failure!.code, 'RestartFailed');
  assert.equal(rollouts.of('shop/db').get('deployment/shop')!.revision, 2);
});

test('what changes between look and mark is marked as it is then', async () => {
  const { clock, api, ask } = stand();
  api.meanwhile = () => {
    api.meanwhile = () => {};
    ask('db', 3);
  };
  ask('db', 2);
  await clock.advance(30_000);
  assert.deepEqual(api.marked, [['deployment/shop', { [`${MARK}db`]: '3' }]]);
});

test('a resource that is another agent’s by now marks nothing, and the others’ marks go on', async () => {
  const { clock, api, mine, ask } = stand();
  api.meanwhile = () => mine.delete('shop/db');
  ask('db', 2);
  ask('mail', 5);
  await clock.advance(60_000);
  assert.deepEqual(api.marked, [['deployment/shop', { [`${MARK}mail`]: '5' }]]);
});

test('what is forgotten is not done, and leaves nothing behind', async () => {
  const { clock, api, rollouts, ask } = stand();
  ask('db', 2);
  ask('db', 2, { kind: 'DaemonSet', name: 'shop' });
  rollouts.forget('shop/db');
  assert.deepEqual(clock.pending, []);
  await clock.advance(60_000);
  assert.equal(api.looks, 0);
  ask('db', 2);
  rollouts.stop();
  assert.deepEqual(clock.pending, []);
});

test('a workload that the status does not know is up to date, one that is behind is due', () => {
  const workloads: Workload[] = [SHOP, { kind: 'StatefulSet', name: 'queue' }];
  const none = new Map();
  assert.deepEqual(restartsOf(workloads, [], none, 4), {
    told: workloads.map((one) => ({ ...one, revision: 4 })),
    behind: [],
    failure: undefined,
  });
  const status = [{ ...SHOP, revision: 3 }, { kind: 'DaemonSet', name: 'gone', revision: 1 } as const];
  assert.deepEqual(restartsOf(workloads, status, none, 4), {
    told: [
      { ...SHOP, revision: 3 },
      { ...workloads[1], revision: 4 },
    ],
    behind: [SHOP],
    failure: undefined,
  });
  const done = new Map([['deployment/shop', { revision: 4, failure: undefined }]]);
  assert.deepEqual(restartsOf([SHOP], status, done, 4), {
    told: [{ ...SHOP, revision: 4 }],
    behind: [],
    failure: undefined,
  });
});
