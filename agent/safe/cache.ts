import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import { inSteps, type Metrics } from '../metrics.ts';
import type { Fetched } from './client.ts';
import { SafeError } from './error.ts';

export interface SafeCacheOptions {
  /** What is asked when no answer serves. */
  client: { read(dial: string): Promise<Fetched> };
  /** The agent's own SPIFFE ID, the last one while it has none; if this throws, the last one it gave counts. */
  identityKey: () => string;
  /** How much is kept for each Safe; a larger answer is returned but not kept. */
  maxBytes: number;
  /** From the start of one request to a Safe to the start of the next; default 5 s. */
  floorMs?: (dial: string) => number | undefined;
  clock: Clock;
  metrics: Pick<Metrics, 'safeCacheBytes' | 'safeCacheEvictions'>;
}

/** A request that has been sent, or will be as soon as it may. */
interface Flight {
  /** Unix milliseconds; `undefined` while it waits for its turn. */
  begunAt: number | undefined;
  readonly result: PromiseWithResolvers<Fetched>;
  cancelStart: () => void;
}

/** What is known of one Safe. */
interface Site {
  /** By own SPIFFE ID. */
  readonly answers: LRUCache<string, Fetched>;
  lastStart: number;
  /** At most one of each: under way, and the next. */
  current: Flight | undefined;
  next: Flight | undefined;
  /** Safe asked to be left alone: the failure that said so, and until when. */
  refused: { error: SafeError; until: number } | undefined;
}

const FLOOR_MS = 5_000;

/**
 * Answers of Safe in memory, one for all who want it, so that Safe is asked seldom: one request at a time
 * and Safe, and none sooner than the floor after the last, whatever the cause. Answers are kept by Safe and
 * own SPIFFE ID, up to a number of bytes as they came over the wire for each Safe, so that no Safe's answer can
 * evict another's.
 */
export class SafeCache {
  readonly #options: SafeCacheOptions;
  readonly #sites = new Map<string, Site>();
  #owner = '';

  constructor(options: SafeCacheOptions) {
    this.#options = options;
  }

  /** The answer in memory, however old. */
  cached(dial: string): Fetched | undefined {
    return this.#sites.get(dial)?.answers.get(this.#key());
  }

  /** Drops the answer in memory; a request under way goes on. */
  release(dial: string): void {
    this.#sites.get(dial)?.answers.delete(this.#key());
    this.#measure();
  }

  /**
   * An answer whose request began at or after `begunAfter` (Unix milliseconds): the one in memory, the one
   * under way, or the next.
   * @throws SafeError the failure of the request that was waited for; at once while a Retry-After runs, with what is left of it
   */
  async read(dial: string, begunAfter: number): Promise<Fetched> {
    const now = this.#options.clock.now();
    // A request that is sent now must satisfy whoever asks now.
    const wanted = Math.min(begunAfter, now);
    const fresh = (begunAt: number | undefined): boolean => begunAt !== undefined && begunAt >= wanted;
    const kept = this.cached(dial);
    if (kept && fresh(kept.begunAt)) return kept;
    const site = this.#site(dial);
    if (site.current && fresh(site.current.begunAt)) return site.current.result.promise;
    this.#throwIfRefused(site, now);
    site.next ??= { begunAt: undefined, result: Promise.withResolvers(), cancelStart: () => {} };
    const { promise } = site.next.result;
    if (!site.current) this.#schedule(dial, site);
    return promise;
  }

  /** Fails those who wait for a request that has not begun. */
  close(): void {
    for (const { next } of this.#sites.values()) {
      next?.cancelStart();
      next?.result.reject(new SafeError('SafeUnreachable', { cause: 'CLIENT_CLOSED', unsent: true }));
    }
    this.#sites.clear();
  }

  #schedule(dial: string, site: Site): void {
    const { next } = site;
    if (!next) return;
    const { clock, floorMs } = this.#options;
    const wait = site.lastStart + (floorMs?.(dial) ?? FLOOR_MS) - clock.now();
    next.cancelStart();
    if (wait <= 0) {
      void this.#start(dial, site, next);
      return;
    }
    // Looks again then: timers can be a moment early.
    next.cancelStart = clock.after(wait, () => this.#schedule(dial, site));
  }

  async #start(dial: string, site: Site, flight: Flight): Promise<void> {
    const { client, clock } = this.#options;
    const lastStart = site.lastStart;
    const key = this.#key();
    site.next = undefined;
    site.current = flight;
    site.lastStart = flight.begunAt = clock.now();
    try {
      const fetched = await client.read(dial);
      site.answers.set(key, fetched);
      if (!site.answers.has(key)) this.#options.metrics.safeCacheEvictions.inc();
      this.#measure();
      site.refused = undefined;
      flight.result.resolve(fetched);
    } catch (error) {
      // What was never sent does not count: an identity that arrives is used at once.
      if (error instanceof SafeError && error.unsent) site.lastStart = lastStart;
      this.#remember(site, error);
      flight.result.reject(error);
    }
    site.current = undefined;
    this.#proceed(dial, site);
  }

  /** After a request: the next in turn, unless Safe asked to be left alone. */
  #proceed(dial: string, site: Site): void {
    const { next } = site;
    if (!next) return;
    try {
      this.#throwIfRefused(site, this.#options.clock.now());
      this.#schedule(dial, site);
    } catch (error) {
      site.next = undefined;
      next.result.reject(error);
    }
  }

  #remember(site: Site, error: unknown): void {
    if (!(error instanceof SafeError) || !error.retryAfterMs) return;
    site.refused = { error, until: this.#options.clock.now() + error.retryAfterMs };
  }

  #throwIfRefused(site: Site, now: number): void {
    if (!site.refused) return;
    const { error, until } = site.refused;
    const retryAfterMs = until - now;
    if (retryAfterMs <= 0) return;
    throw new SafeError(error.code, { status: error.status, retryAfterMs, unsent: true });
  }

  #site(dial: string): Site {
    let site = this.#sites.get(dial);
    if (!site) {
      const { maxBytes, metrics } = this.#options;
      const answers = new LRUCache<string, Fetched>({
        maxSize: maxBytes,
        sizeCalculation: ({ bytes }) => Math.max(1, bytes),
        dispose: (_answer, _key, reason) => {
          if (reason === 'evict') metrics.safeCacheEvictions.inc();
        },
      });
      site = { answers, lastStart: -Infinity, current: undefined, next: undefined, refused: undefined };
      this.#sites.set(dial, site);
    }
    return site;
  }

  #key(): string {
    try {
      this.#owner = this.#options.identityKey();
    } catch {
      // Without an identity the answers had with the last one still serve repairs.
    }
    return this.#owner;
  }

  #measure(): void {
    let bytes = 0;
    for (const { answers } of this.#sites.values()) bytes += answers.calculatedSize;
    this.#options.metrics.safeCacheBytes.set(inSteps(bytes));
  }
}
