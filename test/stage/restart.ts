import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { STATUS_PACE } from '../../agent/report/status-writer.ts';
import type { RunningAgent } from './agents.ts';
import type { Crowd } from './crowd.ts';
import { untilSynced } from './metric.ts';
import { assertPaced, SLACK_MS } from './outage.ts';
import type { Stage } from './stage.ts';
import { brief, keyOf, Tally } from './tally.ts';

/**
 * An agent that begins with a crowd for which it was already there asks Safe once, besides the times that the
 * crowd is due meanwhile, and writes nothing at all.
 */
export async function restartWritesNothing(
  stage: Stage,
  crowd: Crowd,
  intervalMs: number,
  start: () => RunningAgent,
): Promise<void> {
  const before = crowd.versions();
  const tally = new Tally(stage);
  const agent = start();
  await untilSynced(agent, crowd.keys.length);
  const due = Math.ceil((Date.now() - tally.begunAt) / intervalMs);
  const reads = tally.reads.length;
  assert.ok(reads >= 1 && reads <= 1 + due, `${reads} requests to Safe`);
  // A status that was wrongly submitted would leave within a twentieth of a second.
  await sleep(SLACK_MS);
  // Where the server cannot begin a watch with a list, there is one.
  assert.deepEqual(tally.kube.filter(({ verb }) => verb !== 'list').map(brief), []);
  assert.deepEqual(crowd.versions(), before);
}

/** An agent that takes a crowd over from another node writes its name into each status, at a slow pace, and no Secret. */
export async function takeoverWritesStatuses(
  stage: Stage,
  crowd: Crowd,
  node: string,
  start: () => RunningAgent,
): Promise<void> {
  const { perSecond } = STATUS_PACE;
  const secrets = Object.fromEntries(
    Object.entries(crowd.versions()).filter(([key]) => key.endsWith(' (Secret)')),
  );
  const tally = new Tally(stage);
  start();
  const atBestMs = ((crowd.keys.length - 1) / perSecond) * 1_000;
  const isTaken = (key: string): boolean => crowd.resources.get(key)?.status.node === node;
  await crowd.until(`served by ${node}`, isTaken, atBestMs + 10_000 + SLACK_MS);
  await sleep(SLACK_MS);
  assert.deepEqual(tally.statusWrites.map(keyOf).toSorted(), crowd.keys.toSorted());
  assertPaced(
    tally.statusWrites.map(({ at }) => at),
    perSecond,
  );
  const others = tally.kube.filter(({ verb, subresource }) => verb !== 'list' && subresource !== 'status');
  assert.deepEqual(others.map(brief), []);
  const now = crowd.versions();
  for (const [key, version] of Object.entries(secrets)) assert.equal(now[key], version, key);
}
