import { pause } from '../backoff.ts';
import type { Clock } from '../clock.ts';

export interface SuspensionOptions {
  clock: Clock;
  /**
   * A process that did not come to its timers for longer than this, in milliseconds, stood still: by the clock that
   * passes evenly (SIGSTOP, a starved processor), or by the machine's (a virtual machine that was paused, for which
   * the former stood still too).
   */
  boundMs: number;
}

/**
 * Notices that the process stood still (SIGSTOP, a paused machine, a starved processor), so that it stops
 * trusting what it knew before. A machine whose clock is set forward looks the same, and costs one needless look.
 */
export class Suspension {
  #beat: Instant | undefined;
  #count = 0;
  #answered = 0;
  readonly #options: SuspensionOptions;

  constructor(options: SuspensionOptions) {
    this.#options = options;
  }

  /** How many suspensions there were. Also right when asked before overdue timers had their turn. */
  get count(): number {
    const { clock, boundMs } = this.#options;
    const before = this.#beat;
    if (before === undefined) return this.#count;
    const now = instantOf(clock);
    if (Math.max(now.even - before.even, now.wall - before.wall) > boundMs) {
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
    this.#beat = instantOf(clock);
    while (!signal.aborted) {
      await pause(clock, boundMs / 4, signal);
      if (this.count !== noticed) onNotice();
      noticed = this.#count;
      this.#beat = instantOf(clock);
    }
    this.#beat = undefined;
  }
}

interface Instant {
  even: number;
  wall: number;
}

const instantOf = (clock: Clock): Instant => ({ even: clock.now(), wall: clock.wall() });
