import { pause } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface ClockWatchOptions {
  clock: Clock;
  /** The machine's clock was set, by so many milliseconds forward (or back, if negative). */
  onSet: (byMs: number) => void;
}

/** What waits for a date of the machine's clock is right again so soon after that was set. */
export const CLOCK_WATCH_MS = 5_000;
/** Clocks that are slewed differ by some milliseconds in that time. */
const LEAST_STEP_MS = 1_000;

/**
 * Notices that the machine's clock was set. Waits pass evenly, so one that was to end at a date of that clock (a
 * certificate's, a secret's) then ends too early or too late, unless it is looked at anew.
 */
export async function watchClock({ clock, onSet }: ClockWatchOptions, signal: AbortSignal): Promise<void> {
  const lead = (): number => clock.wall() - clock.now();
  let before = lead();
  while (!signal.aborted) {
    await pause(clock, CLOCK_WATCH_MS, signal);
    const byMs = lead() - before;
    before += byMs;
    if (!signal.aborted && Math.abs(byMs) >= LEAST_STEP_MS) onSet(byMs);
  }
}
