import type { Clock } from '../clock.ts';

export interface ViewAgeOptions {
  /** When the watch on the members last said a word, by the clock's `now`; undefined: there is none, or it fails. */
  watchedAt: () => number | undefined;
  handoffDelayMs: number;
  clock: Pick<Clock, 'now'>;
}

/** A watch says something each minute, if only a bookmark; one that has not for so long may be dead. */
export const WATCH_AGE_MS = 75_000;
/** Where the hand-over delay is shorter than this, one slow list would stop an agent. */
const LEAST_BLIND_MS = 5_000;
/** While in doubt the members are listed so often: a third of the time after which nothing is served. */
const DOUBT_LIST_MS = { least: 1_500, most: 10_000 };

/** How old what is known of the members may be, and what follows from it. */
export class ViewAge {
  readonly #options: ViewAgeOptions;
  readonly #blindMs: number;
  readonly #listMs: number;
  /** The members were known as of then. */
  #sureAt = -Infinity;
  #listedAt = -Infinity;

  constructor(options: ViewAgeOptions) {
    this.#options = options;
    const { least, most } = DOUBT_LIST_MS;
    this.#blindMs = Math.max(options.handoffDelayMs, LEAST_BLIND_MS);
    this.#listMs = Math.max(least, Math.min(most, this.#blindMs / 3));
  }

  /** They were listed, by a request begun at that instant. */
  listed(begunAt: number): void {
    this.#listedAt = Math.max(this.#listedAt, begunAt);
    this.#sureAt = Math.max(this.#sureAt, begunAt);
  }

  /** Whether they are to be listed now, since the watch may not tell what changes. To be asked about once a second. */
  doubtful(): boolean {
    const { watchedAt, clock } = this.#options;
    const now = clock.now();
    const heardAt = watchedAt();
    if (heardAt !== undefined) this.#sureAt = Math.max(this.#sureAt, this.#trusted(heardAt, now));
    return (heardAt === undefined || now - heardAt > WATCH_AGE_MS) && now - this.#listedAt >= this.#listMs;
  }

  /** Whether they have been unknown for so long that others may have taken over, so that nothing may be served. */
  blind(): boolean {
    const { watchedAt, clock } = this.#options;
    const now = clock.now();
    const heardAt = watchedAt();
    const sureAt = heardAt === undefined ? this.#sureAt : Math.max(this.#sureAt, this.#trusted(heardAt, now));
    return now - sureAt > this.#blindMs;
  }

  #trusted(heardAt: number, now: number): number {
    return Math.min(now, heardAt + WATCH_AGE_MS);
  }
}
