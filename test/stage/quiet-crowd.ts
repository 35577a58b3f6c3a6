import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { phaseOf } from '../../agent/fetch/groups.ts';
import type { Crowd } from './crowd.ts';
import type { Stage } from './stage.ts';
import { brief, keyOf, Tally, untilStill } from './tally.ts';

/** The interval of the whole crowd, the shortest there is. */
const INTERVAL_MS = 10_000;
/** The measured time begins and ends anywhere within an interval. */
const ONE_MORE = 1;
/** From an agent's start to the status of its last resource. */
const START_MS = 4_000;
/** From the moment that the crowd is due to its last write. */
const WRITES_MS = 5_000;

/** The name of a node whose agent is due as soon as it has its crowd: nodes differ in the moment within an interval. */
export function nodeDueSoon({ safe }: Stage): string {
  const wanted = (Date.now() + START_MS) % INTERVAL_MS;
  const awayFrom = (node: string): number =>
    (phaseOf(node, safe.dial, INTERVAL_MS) - wanted + INTERVAL_MS) % INTERVAL_MS;
  const nodes = Array.from({ length: 20 }, (_, index) => `node-${index}`);
  return nodes.reduce((best, node) => (awayFrom(node) < awayFrom(best) ? node : best));
}

/**
 * While Safe's secrets stay as they are, a crowd that is due each 10 s costs one request to Safe for each of
 * `intervals`, and none to the API server; no resource and no Secret gets another version.
 */
export async function costsNothing(stage: Stage, crowd: Crowd, intervals: number): Promise<void> {
  const before = crowd.versions();
  const tally = new Tally(stage);
  await sleep(intervals * INTERVAL_MS);
  assert.deepEqual(tally.kube.map(brief), []);
  const reads = tally.reads.length;
  assert.ok(Math.abs(reads - intervals) <= ONE_MORE, `${reads} requests to Safe in ${intervals} intervals`);
  assert.deepEqual(crowd.versions(), before);
}

/** One value changes in Safe: exactly the resources that use it are written, once each, and their statuses. */
export async function writesTheUsersOf(stage: Stage, crowd: Crowd, secret: number): Promise<void> {
  const users = crowd.usersOf(secret);
  assert.ok(users.length > 0 && users.length < crowd.keys.length);
  const tally = new Tally(stage);
  crowd.set(secret, `second of ${secret}`);
  await crowd.settled(INTERVAL_MS + WRITES_MS);
  await untilStill(stage, 1_000);
  assert.deepEqual(tally.secretWrites.map(keyOf).toSorted(), users.toSorted());
  assert.deepEqual(tally.statusWrites.map(keyOf).toSorted(), users.toSorted());
  assert.deepEqual(tally.kube.filter(({ status }) => status !== 200).map(brief), []);
  assert.equal(tally.kube.length, 2 * users.length);
}
