import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Random } from '../random.ts';
import type { Schedule } from './schedule.ts';
import { SafeSource, type AnswerReader, type Endpoint, type SourcePace } from './source.ts';
import type { SourceFailure } from './source-failure.ts';

export interface SourcesOptions {
  reader: AnswerReader;
  schedule: Schedule;
  clock: Clock;
  log: Log;
  pace: SourcePace;
  random: Random;
  wake: (keys: Iterable<string>, urgent: boolean) => void;
  onTransition: (
    source: SafeSource,
    now: SourceFailure | undefined,
    before: SourceFailure | undefined,
  ) => void;
  spiffeId: () => string | undefined;
}

/** The Safes that are in use: one source for each URL that is dialled, made on first use, let go with its last resource. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #byDial = new Map<string, SafeSource>();

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  /** The source for a Safe; the resource joins it. */
  join(key: string, endpoint: Endpoint): SafeSource {
    const { reader, schedule, clock, log, pace, random, wake, onTransition, spiffeId } = this.#options;
    let source = this.#byDial.get(endpoint.dial);
    if (!source) {
      const made: SafeSource = new SafeSource({
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
      source = made;
      this.#byDial.set(endpoint.dial, source);
    }
    source.join(key);
    return source;
  }

  /** The resource uses this Safe no more; the last one takes the source and the cached answer with it. */
  leave(key: string, source: SafeSource): void {
    if (!source.leave(key)) return;
    this.#byDial.delete(source.dial);
    this.#options.reader.release(source.dial);
  }

  get(dial: string): SafeSource | undefined {
    return this.#byDial.get(dial);
  }

  all(): Iterable<SafeSource> {
    return this.#byDial.values();
  }

  /** A cause may have gone: those that fail try now. */
  retryNow(): void {
    for (const source of this.#byDial.values()) source.retryNow();
  }

  /** Ends all, and lets go of their answers: who takes up the work again must not begin with old ones. */
  close(): void {
    for (const source of this.#byDial.values()) {
      source.close();
      this.#options.reader.release(source.dial);
    }
    this.#byDial.clear();
  }
}
