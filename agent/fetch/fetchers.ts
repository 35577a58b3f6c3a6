import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Random } from '../random.ts';
import type { Schedule } from '../schedule.ts';
import { Fetcher, type AnswerReader, type Endpoint, type FetchPace } from './fetcher.ts';
import type { FetchFailure } from './fetch-failure.ts';

export interface FetchersOptions {
  reader: AnswerReader;
  schedule: Schedule;
  clock: Clock;
  log: Log;
  pace: FetchPace;
  random: Random;
  wake: (keys: Iterable<string>, urgent: boolean) => void;
  onTransition: (fetcher: Fetcher, now: FetchFailure | undefined, before: FetchFailure | undefined) => void;
  spiffeId: () => string | undefined;
}

/** A resource that is replaced by another finds the answer in memory still there, if it comes within so long, milliseconds. */
const LINGER_MS = 60_000;

/** The Safes that are in use: one fetcher for each URL that is dialled, made on first use, let go soon after its last resource. */
export class Fetchers {
  readonly #options: FetchersOptions;
  readonly #byDial = new Map<string, Fetcher>();

  constructor(options: FetchersOptions) {
    this.#options = options;
  }

  /** The fetcher for a Safe; the resource joins it. */
  join(key: string, endpoint: Endpoint): Fetcher {
    const { reader, schedule, clock, log, pace, random, wake, onTransition, spiffeId } = this.#options;
    let fetcher = this.#byDial.get(endpoint.dial);
    if (!fetcher) {
      const made: Fetcher = new Fetcher({
        endpoint,
        reader,
        schedule,
        clock,
        log,
        pace,
        random,
        wake,
        onTransition: (now, before) => onTransition(made, now, before),
        spiffeId,
      });
      fetcher = made;
      this.#byDial.set(endpoint.dial, fetcher);
    }
    schedule.delete(lingering(endpoint.dial));
    fetcher.join(key);
    return fetcher;
  }

  /** The resource uses this Safe no more; with the last one fetcher and answer in memory go, in a while. */
  leave(key: string, fetcher: Fetcher): void {
    if (!fetcher.leave(key)) return;
    const { schedule, clock, reader } = this.#options;
    const { dial } = fetcher;
    schedule.set(lingering(dial), clock.now() + LINGER_MS, () => {
      this.#byDial.delete(dial);
      fetcher.close();
      reader.release(dial);
    });
  }

  get(dial: string): Fetcher | undefined {
    return this.#byDial.get(dial);
  }

  all(): Iterable<Fetcher> {
    return this.#byDial.values();
  }

  /** A cause may have gone: those that fail try now. */
  retryNow(): void {
    for (const fetcher of this.#byDial.values()) fetcher.retryNow();
  }

  /** Ends all, and lets go of their answers: who takes up the work again must not begin with old ones. */
  close(): void {
    for (const fetcher of this.#byDial.values()) {
      fetcher.close();
      this.#options.reader.release(fetcher.dial);
    }
    this.#byDial.clear();
  }
}

const lingering = (dial: string): string => `linger ${dial}`;
