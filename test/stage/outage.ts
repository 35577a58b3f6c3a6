import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pace } from '../../agent/sync/engine.ts';
import type { RunningAgent } from './agents.ts';
import { secretPath } from './await-object.ts';
import type { Crowd } from './crowd.ts';
import type { LogLine } from './log-lines.ts';
import { valuesOf } from './scene.ts';
import type { Stage } from './stage.ts';
import { brief, keyOf, Tally, untilStill } from './tally.ts';

export interface OutageOptions {
  stage: Stage;
  crowd: Crowd;
  agent: RunningAgent;
  pace: Pace;
  floorMs: number;
}

/** What may be slow: the machine, the API server, and the Secret's way through them. */
export const SLACK_MS = 2_000;
/** The moments when requests arrive scatter around those when they were sent. */
const SCATTER_MS = 250;

/** A time in which Safe gives no answer, as seen from its door, the API server and the agent's log. */
export class Outage {
  readonly tally: Tally;
  /** When the first attempt failed, Unix milliseconds. */
  readonly since: number;
  readonly #options: OutageOptions;
  readonly #uids: ReadonlyMap<string, string>;
  readonly #from: number;

  private constructor(
    options: OutageOptions,
    begun: { tally: Tally; since: number; uids: ReadonlyMap<string, string>; from: number },
  ) {
    this.#options = options;
    this.tally = begun.tally;
    this.since = begun.since;
    this.#uids = begun.uids;
    this.#from = begun.from;
  }

  /** Takes Safe away by `cause`; resolves when the agent has said that it fails with `code`. */
  static async begin(options: OutageOptions, code: string, cause: () => unknown): Promise<Outage> {
    const { stage, crowd, agent } = options;
    await untilStill(stage, 1_000);
    const uids = uidsOf(crowd);
    const from = agent.log.lines.length;
    const tally = new Tally(stage);
    await cause();
    const isTold = (one: LogLine): boolean => one.msg === 'Fetching from Safe fails' && one['code'] === code;
    const line = await Promise.race([agent.log.when(isTold, from), tooLate(`Safe fails with ${code}`)]);
    return new Outage(options, { tally, since: Date.parse(line['since'] as string), uids, from });
  }

  /** Somebody deletes a Secret: it comes back with what the agent remembers. */
  async restores(key: string): Promise<void> {
    const { stage, crowd } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const { password } = valuesOf(crowd.secrets.get(key));
    const uid = this.#uids.get(key);
    const deletedAt = Date.now();
    await stage.cluster.admin.ok('DELETE', secretPath(namespace, name));
    const isBack = (): boolean => crowd.secrets.has(key) && crowd.secrets.get(key).metadata.uid !== uid;
    await crowd.until('restored', isBack, SLACK_MS, [key]);
    assert.equal(valuesOf(crowd.secrets.get(key))['password'], password);
    assert.ok(Date.now() - deletedAt <= SLACK_MS);
  }

  /**
   * Healthy resources hear of it after `quietMs` and no sooner, and then at the pace of statuses that nobody
   * waits for. `besides` had a reason of their own for a status.
   */
  async spreadsSlowly(code: string, besides: readonly string[]): Promise<void> {
    const { crowd, pace } = this.#options;
    const keys = crowd.keys.filter((key) => !besides.includes(key));
    const latest = this.since + pace.quietMs + (crowd.keys.length / pace.status.perSecond) * 1_000 + SLACK_MS;
    const tells = (key: string): boolean => crowd.resources.get(key)?.status.failure?.code === code;
    await crowd.until(`telling of ${code}`, tells, latest - Date.now(), keys);
    const writes = this.tally.statusWrites.filter((request) => keys.includes(keyOf(request)));
    assert.deepEqual(writes.map(keyOf).toSorted(), keys.toSorted(), 'one status for each');
    const times = writes.map(({ at }) => at);
    const early = this.since + pace.quietMs - Math.min(...times);
    assert.ok(early <= 0, `the first one heard of it ${early} ms too soon`);
    assertPaced(times, pace.status.perSecond);
    for (const key of keys)
      assert.equal(readyOf(crowd.resources.get(key)), 'True', 'its Secret is still right');
  }

  /**
   * Brings Safe back by `mend`. Whatever changed in it meanwhile is in the Secrets within one step of the backoff,
   * and the statuses tell no more of it as soon as their pace allows.
   */
  async ends(mend: () => unknown): Promise<void> {
    const { crowd, agent, pace, floorMs } = this.#options;
    await mend();
    const backAt = Date.now();
    // The longest that the next attempt may be away, whatever came before.
    const attempts = this.tally.reads.length;
    const stepMs = Math.min(pace.fetch.retryMaxMs, pace.fetch.retryFirstMs * 2 ** attempts) + floorMs;
    await crowd.until('fresh', (key) => crowd.isFresh(key), stepMs + SLACK_MS);
    const isTold = ({ msg }: LogLine): boolean => msg === 'Safe answers again';
    const line = await Promise.race([agent.log.when(isTold, this.#from), tooLate('Safe answers again')]);
    const lateMs = Date.parse(line['time'] as string) - backAt - stepMs;
    assert.ok(lateMs <= SLACK_MS, `asked again ${lateMs} ms later than a step of the backoff`);
    await crowd.settled(
      (crowd.keys.length / pace.status.perSecond) * 1_000 + pace.status.perResourceMs + 2 * SLACK_MS,
    );
    this.#assertOneStream(line);
  }

  /** No Secret but `besides` was ever another object, and nobody but the test deleted one. */
  deletedNothing(besides: readonly string[]): void {
    const { crowd } = this.#options;
    const now = uidsOf(crowd);
    for (const key of crowd.keys)
      if (!besides.includes(key)) assert.equal(now.get(key), this.#uids.get(key), key);
    assert.deepEqual(this.tally.kube.filter(({ verb }) => verb.startsWith('delete')).map(brief), []);
  }

  /** All that came to Safe's door are attempts of one stream, at its pace. */
  #assertOneStream(recovery: LogLine): void {
    const failed = this.tally.reads.filter(({ status }) => status !== 200);
    // Attempts that Safe never saw, as nobody listened, are counted by the agent alone.
    assert.ok(
      failed.length <= Number(recovery['attempt']),
      `${failed.length} requests at Safe, ${recovery['attempt']} attempts`,
    );
    const { floorMs, pace } = this.#options;
    const lastedMs = Date.parse(recovery['time'] as string) - this.since;
    const most = mostAttempts(pace.fetch, lastedMs);
    assert.ok(failed.length <= most, `${failed.length} requests in ${lastedMs} ms, ${most} at most`);
    for (const [index, { at }] of failed.entries()) {
      const gap = at - (failed[index - 1]?.at ?? -Infinity);
      assert.ok(gap >= floorMs - Math.min(SCATTER_MS, floorMs / 2), `two attempts ${gap} ms apart`);
    }
  }
}

/** Rejects when the crowd must have been due. */
async function tooLate(what: string): Promise<never> {
  await sleep(20_000, undefined, { ref: false });
  throw new Error(`the agent does not say that ${what}`);
}

/**
 * Attempts that exponential backoff with full jitter makes within `ms`, if its delays were a quarter of what they
 * are on average, and two that somebody forced: more than chance can bring.
 */
function mostAttempts({ retryFirstMs, retryMaxMs }: Pace['fetch'], ms: number): number {
  let attempts = 3;
  for (let left = ms; left > 0; attempts++)
    left -= Math.min(retryMaxMs, retryFirstMs * 2 ** (attempts - 3)) / 8;
  return attempts;
}

/** No more than `perSecond` in any second, and one for where the second begins. */
export function assertPaced(times: readonly number[], perSecond: number): void {
  const sorted = times.toSorted((a, b) => a - b);
  for (const [index, at] of sorted.entries()) {
    const later = sorted[index + perSecond + 1];
    if (later === undefined) continue;
    assert.ok(later - at >= 1_000 - SCATTER_MS, `${perSecond + 2} in ${later - at} ms`);
  }
}

const uidsOf = (crowd: Crowd): Map<string, string> =>
  new Map([...crowd.secrets].map(([key, { metadata }]) => [key, metadata.uid]));

const readyOf = (resource: any): string =>
  resource.status.conditions.find((one: any) => one.type === 'Ready').status;
