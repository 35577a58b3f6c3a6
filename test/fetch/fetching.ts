import { createLog } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { SafeCache, type SafeCacheOptions } from '../../agent/safe/cache.ts';
import { toleranceOf } from '../../agent/decide/freshness.ts';
import { Schedule } from '../../agent/schedule.ts';
import type { FetchFailure } from '../../agent/fetch/fetch-failure.ts';
import { FETCH_PACE, type Endpoint } from '../../agent/fetch/fetcher.ts';
import { Fetchers } from '../../agent/fetch/fetchers.ts';
import { RefreshGroups } from '../../agent/fetch/groups.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakeSafe } from '../sync/fake-safe.ts';

export const SAFE: Endpoint = {
  url: 'https://safe',
  dial: 'https://safe/workload/v1/secrets',
  grants: 'enforce',
  scope: { as: 'vsecm.com', qualified: false },
};

/** Fetchers, groups and cache as the agent wires them, over a Safe without wire. */
export class Fetching {
  readonly clock = new FakeClock();
  readonly safe = new FakeSafe(this.clock);
  readonly schedule = new Schedule({ clock: this.clock });
  readonly lines: Record<string, unknown>[] = [];
  readonly wakes: { key: string; urgent: boolean; at: number }[] = [];
  readonly transitions: [now: FetchFailure | undefined, before: FetchFailure | undefined][] = [];
  readonly cache: SafeCache;
  readonly fetchers: Fetchers;
  readonly groups: RefreshGroups;
  /** Called for each key that is woken. */
  onWake: (key: string) => void = () => {};
  onDue: (intervalMs: number) => void = () => {};

  constructor({
    cacheBytes = 1_000_000,
    random = Math.random,
  }: { cacheBytes?: number; random?: () => number } = {}) {
    const { clock, schedule } = this;
    this.cache = new SafeCache({
      client: this.safe as unknown as SafeCacheOptions['client'],
      identityKey: () => 'scout',
      maxBytes: cacheBytes,
      clock,
      metrics: createMetrics(),
    });
    this.fetchers = new Fetchers({
      reader: this.cache,
      schedule,
      clock,
      log: createLog('debug', {}, { write: (line) => this.lines.push(JSON.parse(line)) }),
      pace: FETCH_PACE,
      random,
      spiffeId: () => 'spiffe://vsecm.com/workload/vsecm-scout',
      wake: (keys, urgent) => {
        for (const key of keys) {
          this.wakes.push({ key, urgent, at: clock.now() });
          this.onWake(key);
        }
      },
      onTransition: (_, now, before) => this.transitions.push([now, before]),
    });
    this.groups = new RefreshGroups({
      node: 'node-1',
      clock,
      schedule,
      onDue: (dial, intervalMs) => {
        this.onDue(intervalMs);
        this.fetchers.get(dial)?.ask(clock.now() - toleranceOf(intervalMs));
      },
    });
  }

  get asked(): number[] {
    return this.safe.requests.map(({ at }) => at);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  join(key: string) {
    return this.fetchers.join(key, SAFE);
  }

  wokenSince(from: number): string[] {
    return this.wakes.slice(from).map(({ key }) => key);
  }
}
