import type { Clock } from './clock.ts';

/** What there is to tell of a failed attempt: the first, one for another reason, or that it goes on. */
export type Notice = 'began' | 'changed' | 'lasts';

/** What there is to tell when it works again. */
export interface Ended {
  /** Failed attempts. */
  readonly attempts: number;
  readonly durationSeconds: number;
  /** Of the last failed attempt. */
  readonly cause: string;
}

export interface OutageOptions {
  clock: Pick<Clock, 'now'>;
  /** How often the same cause is told while it lasts, milliseconds. */
  reminderMs?: number;
}

/** Rare enough to be no noise, often enough to stand in the last page of a log. */
export const REMINDER_MS = 300_000;

/**
 * Says once that something fails, says when it fails differently and from time to time that it lasts, and says once
 * that it works again. Has no timer: an attempt that fails is the occasion to remind. A cause that was told within the
 * last `reminderMs` is not told again, so causes that take turns are no noise either.
 */
export class Outage {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #reminderMs: number;
  /** When each cause was last told; empty while it works. */
  readonly #told = new Map<string, number>();
  #since: number | undefined;
  #cause = '';
  #causeSince = 0;
  #attempts = 0;

  constructor({ clock, reminderMs = REMINDER_MS }: OutageOptions) {
    this.#clock = clock;
    this.#reminderMs = reminderMs;
  }

  /** When it began to fail, by the clock's `now`; undefined: it works. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Of the last failed attempt; undefined: it works. */
  get cause(): string | undefined {
    return this.#since === undefined ? undefined : this.#cause;
  }

  /** Attempts that failed since it began. */
  get attempts(): number {
    return this.#attempts;
  }

  /** For how long it has failed, milliseconds; 0: it works. */
  get lastsMs(): number {
    return this.#since === undefined ? 0 : this.#clock.now() - this.#since;
  }

  /** For how long every attempt has failed for `cause`, milliseconds; 0: the last one did not. */
  lastsFor(cause: string): number {
    return this.#since === undefined || cause !== this.#cause ? 0 : this.#clock.now() - this.#causeSince;
  }

  /**
   * Another attempt failed.
   * @param cause a code out of few, which tells apart what a reader would do differently
   * @returns undefined: it has been told
   */
  failed(cause: string): Notice | undefined {
    const now = this.#clock.now();
    const first = this.#since === undefined;
    this.#attempts += 1;
    if (first) this.#since = now;
    if (first || cause !== this.#cause) this.#causeSince = now;
    this.#cause = cause;
    const told = this.#told.get(cause);
    if (told !== undefined && now - told < this.#reminderMs) return undefined;
    this.#told.set(cause, now);
    if (first) return 'began';
    return told === undefined ? 'changed' : 'lasts';
  }

  /**
   * It works.
   * @param at since when, by the clock's `now`, if that shows only later
   * @returns undefined: it did before, too
   */
  ended(at: number = this.#clock.now()): Ended | undefined {
    if (this.#since === undefined) return undefined;
    const durationSeconds = Math.max(0, Math.round((at - this.#since) / 1000));
    const ended = { attempts: this.#attempts, durationSeconds, cause: this.#cause };
    this.#since = undefined;
    this.#attempts = 0;
    this.#cause = '';
    this.#told.clear();
    return ended;
  }
}
