import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** How long to wait between attempts, in milliseconds. */
export interface BackoffOptions {
  /** Upper bound of the first delay. */
  firstMs: number;
  /** Upper bound of every delay. */
  maxMs: number;
  random: Random;
}

/**
 * Exponential backoff with full jitter: attempt n waits a random time of up to `firstMs * 2^n`, so that
 * many clients that failed together do not come back together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export class Backoff {
  #attempt = 0;
  readonly #options: BackoffOptions;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Attempts since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The delay before the next attempt, in milliseconds; each call counts as a failed attempt. */
  next(): number {
    const { firstMs, maxMs, random } = this.#options;
    const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.ceil(ceiling * random());
  }

  /** Starts over after a success. */
  reset(): void {
    this.#attempt = 0;
  }
}

/** Resolves after `ms` milliseconds, or as soon as `signal` is aborted: the caller looks at its signal. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
