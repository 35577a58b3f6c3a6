import { Backoff } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';
import type { Random } from '../random.ts';
import type { Fetched } from '../resolve/answer.ts';
import type { Grants, GrantScope } from '../resolve/grants.ts';
import { AnswerPrint } from './answer-print.ts';
import type { Schedule } from '../schedule.ts';
import { SecretUsers } from './secret-users.ts';
import { MissingPoll } from './missing-poll.ts';
import { describeError, failureFields, type FetchFailure } from './fetch-failure.ts';

/** What this folder needs of a Safe client with a cache. */
export interface AnswerReader {
  /** What is in memory for this URL, however old. */
  cached(dial: string): Fetched | undefined;
  /** An answer whose request began at or after `begunAfter` (Unix milliseconds). */
  read(dial: string, begunAfter: number): Promise<Fetched>;
  /** Forgets what is in memory for this URL. */
  release(dial: string): void;
}

/** A Safe, as this folder needs to know it. */
export interface Endpoint {
  /** As resources name it, and what is asked, which identifies it. */
  readonly url: string;
  readonly dial: string;
  /** What of its grants counts here. */
  readonly grants: Grants;
  readonly scope: GrantScope;
}

/** How fast a source asks again, milliseconds; tests shorten them. */
export interface FetchPace {
  /** First and longest delay between attempts at a Safe that fails. */
  retryFirstMs: number;
  retryMaxMs: number;
  /** First and longest delay between requests for something that is missing in Safe. */
  pollFirstMs: number;
  pollMaxMs: number;
  /** How often a failure that lasts is logged again. */
  reminderMs: number;
}

export const FETCH_PACE: FetchPace = {
  retryFirstMs: 5_000,
  retryMaxMs: 300_000,
  pollFirstMs: 5_000,
  // What a hint tells people to do shows within a minute or so.
  pollMaxMs: 60_000,
  reminderMs: 300_000,
};

export interface FetcherOptions {
  endpoint: Endpoint;
  reader: AnswerReader;
  schedule: Schedule;
  clock: Clock;
  log: Log;
  pace: FetchPace;
  random: Random;
  /** Something happened that these resources are to be reconciled for. */
  wake: (keys: Iterable<string>, urgent: boolean) => void;
  /** Called when Safe begins to fail, fails differently, or recovers (with the failure that ended). */
  onTransition: (now: FetchFailure | undefined, before: FetchFailure | undefined) => void;
  /** Own SPIFFE ID for the log. */
  spiffeId: () => string | undefined;
}

/**
 * One Safe, as the resources that use it see it: who waits for an answer of which age, who uses which
 * secret, and one stream of attempts while it fails, however many resources wait.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #retry: Backoff;
  readonly #poll: MissingPoll;
  readonly #users = new SecretUsers();
  readonly #outage: Outage;
  /** Resource → the answer must have been begun at or after this instant. */
  readonly #waiting = new Map<string, number>();
  readonly #members = new Set<string>();
  #print: AnswerPrint | undefined;
  #confirmedAt: number | undefined;
  #wanted = -Infinity;
  /** Resources that wait for the end of an attempt, whatever its outcome, and the newest of their instants. */
  readonly #forced = new Set<string>();
  #forcedAt = -Infinity;
  /** Safe asked not to be asked before (`Retry-After`), Unix milliseconds. */
  #notBefore = -Infinity;
  #reading = false;
  #closed = false;
  #failure: FetchFailure | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#outage = new Outage({ clock: options.clock, reminderMs: options.pace.reminderMs });
    const { schedule, clock, pace, random } = options;
    this.#poll = new MissingPoll({
      id: this.#id('poll'),
      schedule,
      clock,
      firstMs: pace.pollFirstMs,
      maxMs: pace.pollMaxMs,
      random,
      ask: () => this.ask(clock.now()),
    });
    this.#retry = new Backoff({ firstMs: pace.retryFirstMs, maxMs: pace.retryMaxMs, random });
  }

  get url(): string {
    return this.endpoint.url;
  }

  get dial(): string {
    return this.endpoint.dial;
  }

  get endpoint(): Endpoint {
    return this.#options.endpoint;
  }

  get failure(): FetchFailure | undefined {
    return this.#failure;
  }

  get members(): ReadonlySet<string> {
    return this.#members;
  }

  /** When the request was begun that Safe last answered well, Unix milliseconds. */
  get confirmedAt(): number | undefined {
    return this.#confirmedAt;
  }

  /** How many secrets the last good answer held, and whether it told their names. */
  get last(): { secrets: number; named: boolean } | undefined {
    return this.#print && { secrets: this.#print.secrets, named: this.#print.named };
  }

  /** When Safe is asked next for what this resource misses there, Unix milliseconds; undefined if it misses nothing. */
  pollsAt(key: string): number | undefined {
    return this.#poll.dueAt(key);
  }

  /** The last answer, if it is still in memory. */
  answer(): Fetched | undefined {
    return this.#options.reader.cached(this.dial);
  }

  join(key: string): void {
    this.#members.add(key);
  }

  /** Forgets a resource; returns whether nobody is left. */
  leave(key: string): boolean {
    this.#members.delete(key);
    this.#waiting.delete(key);
    this.stopPolling(key);
    this.#forced.delete(key);
    this.use(key, []);
    return this.#members.size === 0;
  }

  /** Stops all timers; an answer under way is ignored. */
  close(): void {
    this.#closed = true;
    this.#poll.close();
    this.#options.schedule.delete(this.#id('retry'));
  }

  /** The resource could not be resolved: any change may concern it. */
  useAny(key: string): void {
    this.#users.useAny(key);
  }

  /** Notes which secrets a resource's content comes from, so that it is told when they change. */
  use(key: string, names: readonly string[]): void {
    this.#users.use(key, names);
  }

  /**
   * `key` waits for an answer begun at or after `after` and is woken when there is one, or when the
   * attempt fails in a way not seen before. A forced wait does not respect the pace of retries, and is
   * woken at the end of an attempt begun after it whatever its outcome.
   */
  need(key: string, after: number, force: boolean): void {
    if (force) this.#forced.add(key);
    this.#waiting.set(key, Math.max(after, this.#waiting.get(key) ?? -Infinity));
    this.ask(after, force);
  }

  /** As `need`, for nobody in particular. */
  ask(after: number, force = false): void {
    this.#wanted = Math.max(this.#wanted, after);
    if (force) this.#forcedAt = Math.max(this.#forcedAt, after);
    if (this.#reading || this.#closed) return;
    if (this.#failure && (!force || this.#options.clock.now() < this.#notBefore)) return;
    const cached = this.answer();
    if (cached && cached.begunAt >= this.#wanted) this.#serve(cached);
    else void this.#read();
  }

  /** Something that the resource wants is not in Safe: it joins the one poll, which backs off. */
  pollFor(key: string): void {
    this.#poll.join(key);
  }

  /** The resource found all it wants, or fails for another reason. */
  stopPolling(key: string): void {
    this.#poll.leave(key);
  }

  /** Tries again now if Safe fails; for when the cause may have gone, such as a new identity. */
  retryNow(): void {
    if (this.#failure && !this.#reading && !this.#closed) void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    this.#options.schedule.delete(this.#id('retry'));
    const startedAt = this.#options.clock.now();
    try {
      const fetched = await this.#options.reader.read(this.dial, this.#wanted);
      this.#reading = false;
      // The last resource left while the answer was under way: nobody is to keep it.
      if (this.#closed) return this.#options.reader.release(this.dial);
      this.#answered(fetched);
      if (this.#wanted > fetched.begunAt) void this.#read();
    } catch (error) {
      this.#reading = false;
      if (this.#closed) return;
      this.#failed(error, startedAt);
    }
  }

  #answered(fetched: Fetched): void {
    const before = this.#failure;
    this.#failure = undefined;
    this.#confirmedAt = fetched.begunAt;
    this.#retry.reset();
    if (before) this.#recovered(before);

    const print = new AnswerPrint(fetched.answer);
    const changed = print.changedSince(this.#print);
    if (this.#print?.named && print.named && print.secrets < this.#print.secrets) {
      this.#options.log.warn('Safe serves fewer secrets than before; nothing is removed because of it', {
        safeURL: this.url,
        count: this.#print.secrets - print.secrets,
      });
    }
    this.#print = print;

    this.#serve(fetched);
    this.#options.wake(changed === 'all' ? this.#members : this.#users.concerned(changed), false);
  }

  /** Wakes those whose wait this answer ends. */
  #serve(fetched: Fetched): void {
    const ready: string[] = [];
    for (const [key, after] of this.#waiting) {
      if (after > fetched.begunAt) continue;
      this.#waiting.delete(key);
      this.#forced.delete(key);
      ready.push(key);
    }
    this.#options.wake(ready, true);
  }

  #failed(error: unknown, startedAt: number): void {
    const { clock, schedule } = this.#options;
    const before = this.#failure;
    const { code, cause, retryAfterMs, peerSpiffeId, context } = describeError(error);
    const now = clock.now();
    if (retryAfterMs !== undefined) this.#notBefore = now + retryAfterMs;
    const nextRetryAt = Math.max(now + this.#retry.next(), this.#notBefore);
    this.#failure = {
      code,
      cause,
      peerSpiffeId,
      // The hint is part of what a status says: it changes with the code, not with each attempt.
      context: before?.code === code ? before.context : context,
      since: before?.since ?? startedAt,
      attemptedAt: startedAt,
      nextRetryAt,
      attempts: this.#retry.attempt,
    };
    schedule.set(this.#id('retry'), nextRetryAt, () => this.retryNow());
    const notice = this.#outage.failed(code);
    if (notice)
      this.#report(notice === 'lasts' ? 'Fetching from Safe still fails' : 'Fetching from Safe fails');
    if (before?.code !== code) {
      this.#options.onTransition(this.#failure, before);
      this.#options.wake([...this.#waiting.keys()], true);
    } else {
      this.#options.wake([...this.#forced], true);
    }
    this.#forced.clear();
    if (this.#forcedAt > startedAt && now >= this.#notBefore) void this.#read();
  }

  #recovered(before: FetchFailure): void {
    this.#options.schedule.delete(this.#id('retry'));
    const { attempts: attempt, durationSeconds } = this.#outage.ended()!;
    this.#options.log.info('Safe answers again', {
      safeURL: this.url,
      code: before.code,
      attempt,
      durationSeconds,
    });
    this.#options.onTransition(undefined, before);
  }

  #report(message: string): void {
    const { log, spiffeId, clock } = this.#options;
    const failure = this.#failure;
    if (failure) log.warn(message, failureFields(failure, this.url, spiffeId(), this.#members, clock));
  }

  #id(what: string): string {
    return `${what} ${this.dial}`;
  }
}
