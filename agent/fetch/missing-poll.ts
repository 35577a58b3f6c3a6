import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { Schedule } from '../schedule.ts';

export interface MissingPollOptions {
  /** Of the timer. */
  id: string;
  schedule: Schedule;
  clock: Clock;
  /** First and longest delay, milliseconds. */
  firstMs: number;
  maxMs: number;
  random: Random;
  ask: () => void;
}

/** Asks Safe for all resources that miss something there, again and again while any does, ever more seldom. */
export class MissingPoll {
  readonly #options: MissingPollOptions;
  readonly #waiting = new Set<string>();
  #delayMs: number;

  constructor(options: MissingPollOptions) {
    this.#options = options;
    this.#delayMs = options.firstMs;
  }

  join(key: string): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    // Who comes new has perhaps just been told to register something: do not let them wait for minutes.
    this.#delayMs = this.#options.firstMs;
    this.#arm();
  }

  leave(key: string): void {
    this.#waiting.delete(key);
    if (this.#waiting.size === 0) this.close();
  }

  /** When Safe is asked next for this resource, Unix milliseconds; undefined if it misses nothing. */
  dueAt(key: string): number | undefined {
    return this.#waiting.has(key) ? this.#options.schedule.dueAt(this.#options.id) : undefined;
  }

  close(): void {
    this.#options.schedule.delete(this.#options.id);
  }

  #arm(): void {
    const { id, schedule, clock, maxMs, random, ask } = this.#options;
    const at = clock.now() + this.#delayMs * (0.75 + 0.25 * random());
    const due = schedule.dueAt(id);
    if (due !== undefined && due <= at) return;
    schedule.set(id, at, () => {
      this.#delayMs = Math.min(maxMs, this.#delayMs * 2);
      ask();
      if (this.#waiting.size > 0) this.#arm();
    });
  }
}
