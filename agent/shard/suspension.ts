import { pause } from '../backoff.ts';
import type { Clock } from '../clock.ts';

export interface SuspensionOptions {
  clock: Clock;
  /** A process that did not come to its timers for longer than this, in milliseconds, stood still. */
  boundMs: number;
}

/**
 * Notices that the process stood still (SIGSTOP, a paused machine, a starved processor), so that it stops
 * trusting what it knew before. A forward step of the wall clock looks the same and costs one needless look.
 */
export class Suspension {
  #beat: number | undefined;
  #count = 0;
  #answered = 0;
  readonly #options: SuspensionOptions;

  constructor(options: SuspensionOptions) {
    this.#options = options;
  }

  /** How many suspensions there were. Also right when asked before overdue timers had their turn. */
  get count(): number {
    const now = this.#options.clock.now();
    if (this.#beat !== undefined && now - this.#beat > this.#options.boundMs) {
      this.#count += 1;
      this.#beat = now;
    }
    return this.#count;
  }

  /** Whether what is known may be from before a suspension. */
  get suspected(): boolean {
    return this.count !== this.#answered;
  }

  /** Trust again: what is known now was asked for when `count` was this. */
  answer(count: number): void {
    this.#answered = count;
  }

  /** Keeps the beat until `signal` is aborted; `onNotice` is called after each suspension. */
  async run(signal: AbortSignal, onNotice: () => void): Promise<void> {
    const { clock, boundMs } = this.#options;
    let noticed = this.#count;
    this.#beat = clock.now();
    while (!signal.aborted) {
      await pause(clock, boundMs / 4, signal);
      if (this.count !== noticed) onNotice();
      noticed = this.#count;
      this.#beat = clock.now();
    }
    this.#beat = undefined;
  }
}
