import { Backoff } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import { Debts } from './debts.ts';
import { Lane } from './lane.ts';

export interface WorkQueueOptions {
  clock: Clock;
  metrics: Pick<Metrics, 'queueDepth'>;
  /**
   * Keys in work at a time. A namespace has no more of these places than it leaves free, so that the slow writes of one
   * (a webhook that hangs takes 10 s of each) do not take the places of all. Default: as many as there are takers.
   */
  places?: number;
  /** Delays of `retry`, milliseconds; default: up to 1 s at first, up to 5 min in the end. */
  backoff?: { firstMs: number; maxMs: number };
  random: Random;
}

interface Retry {
  readonly backoff: Backoff;
  cancel?: () => void;
}

/** Of so many keys taken, one is routine if any waits, however much is urgent: urgent is sooner, not instead. */
const ROUTINE_SHARE = 8;

/**
 * Keys `namespace/name` that wait to be looked at. As in client-go's workqueue a key waits once, however often it
 * is added, and one that is added while it is worked on waits until that is `done`. Beyond it: urgent keys come
 * first (see ROUTINE_SHARE), and among equals namespaces take turns, so that one with thousands does not hold up
 * one with a single key; one whose keys took much work sits out some of its turns (`charge`). Every operation takes
 * constant time, amortised.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #debts = new Debts();
  readonly #urgent = new Lane(this.#debts);
  readonly #routine = new Lane(this.#debts);
  /** Being worked on; the value says whether and how it was added meanwhile. */
  readonly #active = new Map<string, 'urgent' | 'routine' | undefined>();
  /** How many of them each namespace has. */
  readonly #held = new Map<string, number>();
  readonly #retries = new Map<string, Retry>();
  readonly #takers = new Set<(key: string | undefined) => void>();
  #taken = 0;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait; neither those in work nor those that `retry` holds back. */
  get size(): number {
    return this.#urgent.size + this.#routine.size;
  }

  /** Lets `key` wait for its turn. A delay of `retry` is over with that. */
  add(key: string, { urgent = false }: { urgent?: boolean } = {}): void {
    if (this.#closed) return;
    this.#retries.get(key)?.cancel?.();
    if (this.#active.has(key)) {
      const again = urgent || this.#active.get(key) === 'urgent';
      this.#active.set(key, again ? 'urgent' : 'routine');
      return;
    }
    if (this.#urgent.has(key)) return;
    if (urgent) this.#routine.delete(key);
    (urgent ? this.#urgent : this.#routine).add(key);
    this.#hand();
  }

  /** The next key, which must be given back by `done`; `undefined` once `signal` is aborted or the queue closed. */
  take(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted || this.#closed) return Promise.resolve(undefined);
    const key = this.#next(); // who waits already waits because there is none for anybody
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => {
      const taker = (key: string | undefined): void => {
        signal.removeEventListener('abort', onAbort);
        this.#takers.delete(taker);
        resolve(key);
      };
      const onAbort = (): void => taker(undefined);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#takers.add(taker);
    });
  }

  /** The work on `key` has ended, well or badly. */
  done(key: string): void {
    const again = this.#active.get(key);
    if (!this.#active.delete(key)) return;
    this.#hold(key, -1);
    this.#urgent.resume();
    this.#routine.resume();
    if (again !== undefined) this.add(key, { urgent: again === 'urgent' });
    this.#hand();
  }

  /**
   * Adds `key` after a delay that grows with each call, at least `atLeastMs`. Returns the delay, milliseconds.
   * An `add` in between comes first and ends the delay, but not the count.
   */
  retry(key: string, atLeastMs = 0): number {
    const { clock, backoff = { firstMs: 1_000, maxMs: 300_000 }, random } = this.#options;
    const retry: Retry = this.#retries.get(key) ?? {
      backoff: new Backoff({ ...backoff, random }),
    };
    retry.cancel?.();
    const delayMs = Math.max(atLeastMs, retry.backoff.next());
    if (this.#closed) return delayMs;
    retry.cancel = clock.after(delayMs, () => this.add(key));
    this.#retries.set(key, retry);
    return delayMs;
  }

  /** How often `retry` was called for `key` since it was forgotten. */
  attempts(key: string): number {
    return this.#retries.get(key)?.backoff.attempt ?? 0;
  }

  /** The work on `key` went well, or is no longer wanted: its next `retry` begins anew, a pending one is dropped. */
  forget(key: string): void {
    this.#retries.get(key)?.cancel?.();
    this.#retries.delete(key);
  }

  /** The keys of a namespace took so many milliseconds of work: it has fewer turns while others wait. */
  charge(namespace: string, ms: number): void {
    this.#debts.add(namespace, ms);
  }

  /** Nothing is given out or taken in any more. */
  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#retries.values()) cancel?.();
    this.#retries.clear();
    for (const taker of this.#takers) taker(undefined);
  }

  #hand(): void {
    for (const taker of this.#takers) {
      const key = this.#next();
      if (key === undefined) break;
      taker(key);
    }
    this.#options.metrics.queueDepth.set(this.size);
  }

  #hold(key: string, change: 1 | -1): void {
    const namespace = namespaceOf(key);
    const held = (this.#held.get(namespace) ?? 0) + change;
    if (held === 0) this.#held.delete(namespace);
    else this.#held.set(namespace, held);
  }

  #next(): string | undefined {
    const [first, second] =
      this.#taken % ROUTINE_SHARE === ROUTINE_SHARE - 1
        ? [this.#routine, this.#urgent]
        : [this.#urgent, this.#routine];
    const { places = Infinity } = this.#options;
    const free = places - this.#active.size;
    const full = (namespace: string): boolean => (this.#held.get(namespace) ?? 0) >= free;
    const key = first.shift(full) ?? second.shift(full);
    if (key === undefined) return undefined;
    this.#taken += 1;
    this.#active.set(key, undefined);
    this.#hold(key, 1);
    this.#options.metrics.queueDepth.set(this.size);
    return key;
  }
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
