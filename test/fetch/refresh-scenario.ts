import * as fc from 'fast-check';
import { toleranceOf } from '../../agent/decide/freshness.ts';
import type { Fetcher } from '../../agent/fetch/fetcher.ts';
import { away } from '../sync/fake-safe.ts';
import { Fetching } from './fetching.ts';

export type Step =
  | { do: 'join'; key: number; intervalMs: number }
  | { do: 'leave' | 'force' | 'poll' | 'stopPolling'; key: number }
  | { do: 'fail'; retryAfterMs: number | undefined }
  | { do: 'recover' | 'evict' }
  | { do: 'slow'; ms: number }
  | { do: 'pass'; ms: number };

const key = fc.nat(9);
const intervalMs = fc.constantFrom(0, 10_000, 30_000, 3_600_000);
const retryAfterMs = fc.constantFrom(undefined, undefined, 1_000, 60_000, 400_000);
const touches = fc.constantFrom('leave' as const, 'force' as const, 'force' as const);
const polls = fc.constantFrom('poll' as const, 'poll' as const, 'stopPolling' as const);

export const JOIN = fc.record({ do: fc.constant('join' as const), key, intervalMs });
export const TOUCH = fc.record({ do: touches, key });
export const POLL = fc.record({ do: polls, key });
export const FAIL = fc.record({ do: fc.constant('fail' as const), retryAfterMs });
export const RECOVER = fc.record({ do: fc.constant('recover' as const) });
export const EVICT = fc.record({ do: fc.constant('evict' as const) });
export const SLOW = fc.record({ do: fc.constant('slow' as const), ms: fc.constantFrom(0, 50, 3_000, 9_000) });
export const PASS = fc.record({
  do: fc.constant('pass' as const),
  ms: fc.constantFrom(0, 1, 300, 4_999, 5_000, 20_000, 130_000),
});

interface Member {
  intervalMs: number;
  /** It waits for an answer begun at or after this. */
  needAfter: number | undefined;
  joinedAt: number;
}

/** Resources as simple as can be, over the real fetchers, groups and cache; keeps what a test has to know. */
export class Scenario {
  readonly s = new Fetching({ random: () => 0.7 });
  readonly members = new Map<string, Member>();
  readonly fetcher: Fetcher;
  /** How often an answer was asked for that nobody else's interval would have brought, and how often groups were due. */
  wishes = 0;
  dues = 0;
  firstWish: number | undefined;
  /** Since when Safe answers, and at once; `undefined` while it does not. */
  goodSince: number | undefined;
  /** Called after each step. */
  check: () => void = () => {};

  constructor() {
    this.fetcher = this.s.join('team-a/keeper');
    this.goodSince = this.s.clock.now();
    this.s.onWake = (woken) => this.#woken(woken);
    this.s.onDue = () => (this.dues += 1);
  }

  get now(): number {
    return this.s.clock.now();
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.do(step);
      await this.s.pass(0);
      this.check();
    }
  }

  async do(step: Step): Promise<void> {
    const { s, fetcher } = this;
    if (step.do === 'pass') await s.pass(step.ms);
    else if (step.do === 'slow') s.safe.latencyMs = step.ms;
    else if (step.do === 'fail') s.safe.failure = away({ retryAfterMs: step.retryAfterMs });
    else if (step.do === 'recover') s.safe.failure = undefined;
    else if (step.do === 'evict') {
      this.wishes += 1;
      s.cache.release(fetcher.dial);
    } else if (step.do === 'join') this.#join(`team-a/${step.key}`, step.intervalMs);
    else if ('key' in step && this.members.has(`team-a/${step.key}`))
      this.#touch(step.do, `team-a/${step.key}`);
    const good = s.safe.failure === undefined && s.safe.latencyMs === 0;
    this.goodSince = good ? (this.goodSince ?? this.now) : undefined;
  }

  #join(name: string, intervalMs: number): void {
    this.s.join(name);
    this.s.groups.join(name, this.fetcher.dial, intervalMs);
    const needAfter = this.members.get(name)?.needAfter;
    this.members.set(name, { intervalMs, needAfter, joinedAt: this.now });
    this.#need(name, this.now - toleranceOf(intervalMs), false);
  }

  #touch(what: 'leave' | 'force' | 'poll' | 'stopPolling', name: string): void {
    const { s, fetcher } = this;
    if (what === 'force') this.#need(name, this.now, true);
    if (what === 'poll') fetcher.pollFor(name);
    if (what === 'stopPolling') fetcher.stopPolling(name);
    if (what !== 'leave') return;
    this.members.delete(name);
    s.groups.leave(name);
    s.fetchers.leave(name, fetcher);
  }

  #need(name: string, after: number, force: boolean): void {
    const member = this.members.get(name)!;
    const fetched = this.fetcher.answer();
    if (fetched && fetched.begunAt >= after) return;
    this.wishes += 1;
    this.firstWish ??= this.now;
    member.needAfter = Math.max(after, member.needAfter ?? -Infinity);
    this.fetcher.need(name, member.needAfter, force);
  }

  #woken(name: string): void {
    const member = this.members.get(name);
    const fetched = this.fetcher.answer();
    if (!member || !fetched) return;
    if (member.needAfter !== undefined && fetched.begunAt >= member.needAfter) member.needAfter = undefined;
  }
}
