import type { Clock } from '../clock.ts';
import type { Schedule } from '../schedule.ts';

/** How far apart retries of failing resources come at least, milliseconds; tests shorten it. */
export interface RetryPace {
  /** Those of one namespace. */
  apartMs: number;
  /** Those of all namespaces together, which fail when the API server does. */
  allApartMs: number;
}

/** 60 a minute, and 20 a second. */
export const RETRY_PACE: RetryPace = { apartMs: 1_000, allApartMs: 50 };
/** More namespaces than this are not kept longer than they need. */
const MOST_NAMESPACES = 1_000;

export interface RetriesOptions {
  clock: Clock;
  schedule: Schedule;
  pace: RetryPace;
  /** Has a resource reconciled soon. */
  enqueue: (key: string, urgent: boolean) => void;
}

/**
 * When resources are reconciled again by themselves. Those that fail share a budget with the others of their
 * namespace: a tenant's thousands that fail must not cost the API server thousands of requests a minute.
 */
export class Retries {
  readonly #options: RetriesOptions;
  /** By namespace, from when on the next one may come. */
  readonly #free = new Map<string, number>();
  #allFree = -Infinity;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** Reconciles `key` at `at`; `undefined`: not by itself. */
  set(key: string, at: number | undefined, failing: boolean): void {
    const { schedule, clock, enqueue } = this.#options;
    if (at === undefined) return this.forget(key);
    schedule.set(idOf(key), Math.max(at, clock.now()), () => {
      if (failing) this.#inTurn(key);
      else enqueue(key, false);
    });
  }

  /** When `key` is reconciled by itself, as far as is known. */
  dueAt(key: string): number | undefined {
    return this.#options.schedule.dueAt(idOf(key));
  }

  forget(key: string): void {
    this.#options.schedule.delete(idOf(key));
  }

  #inTurn(key: string): void {
    const { schedule, clock, pace, enqueue } = this.#options;
    const namespace = key.slice(0, key.indexOf('/'));
    const now = clock.now();
    const at = Math.max(now, this.#allFree, this.#free.get(namespace) ?? now);
    this.#free.set(namespace, at + pace.apartMs);
    this.#allFree = Math.max(now, this.#allFree) + pace.allApartMs;
    if (this.#free.size > MOST_NAMESPACES) this.#prune(now);
    if (at === now) enqueue(key, false);
    else schedule.set(idOf(key), at, () => enqueue(key, false));
  }

  #prune(now: number): void {
    for (const [namespace, at] of this.#free) if (at <= now) this.#free.delete(namespace);
  }
}

const idOf = (key: string): string => `again ${key}`;
