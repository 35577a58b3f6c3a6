import type { Clock } from '../clock.ts';
import type { Schedule } from '../schedule.ts';

/** Retries of failing resources in one namespace come at least so far apart, milliseconds: 60 a minute. */
const APART_MS = 1_000;
/** And those of all namespaces together, which fail when the API server does: 20 a second. */
const ALL_APART_MS = 50;
/** More namespaces than this are not kept longer than they need. */
const MOST_NAMESPACES = 1_000;

/**
 * When resources are reconciled again by themselves. Those that fail share a budget with the others of their
 * namespace: a tenant's thousands that fail must not cost the API server thousands of requests a minute.
 */
export class Retries {
  readonly #options: { clock: Clock; schedule: Schedule; enqueue: (key: string, urgent: boolean) => void };
  /** By namespace, from when on the next one may come. */
  readonly #free = new Map<string, number>();
  #allFree = -Infinity;

  constructor(options: {
    clock: Clock;
    schedule: Schedule;
    enqueue: (key: string, urgent: boolean) => void;
  }) {
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
    const { schedule, clock, enqueue } = this.#options;
    const namespace = key.slice(0, key.indexOf('/'));
    const now = clock.now();
    const at = Math.max(now, this.#allFree, this.#free.get(namespace) ?? now);
    this.#free.set(namespace, at + APART_MS);
    this.#allFree = Math.max(now, this.#allFree) + ALL_APART_MS;
    if (this.#free.size > MOST_NAMESPACES) this.#prune(now);
    if (at === now) enqueue(key, false);
    else schedule.set(idOf(key), at, () => enqueue(key, false));
  }

  #prune(now: number): void {
    for (const [namespace, at] of this.#free) if (at <= now) this.#free.delete(namespace);
  }
}

const idOf = (key: string): string => `again ${key}`;
