/** Time as the agent sees it; tests replace it by one that they move by hand. */
export interface Clock {
  /**
   * Milliseconds that pass evenly, whatever the machine's clock is set to; they begin near the Unix epoch's. For order
   * and delays. `dateOf` tells the date of such an instant.
   */
  now(): number;
  /** Milliseconds since the Unix epoch as the machine has it at present. For what others date: certificates, secrets. */
  wall(): number;
  /** Calls `run` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** Node fires a timer at once when its delay does not fit in 31 bits; longer waits are walked in steps. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

// The wall clock may be set back, and "an answer begun after this moment" would then be false for a long while; or
// forward, and everything would be old at once. What passes evenly follows neither.
const ORIGIN = Date.now() - performance.now();

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Math.floor(ORIGIN + performance.now()),
  wall: () => Date.now(),
  after(ms, run) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const step = Math.max(0, Math.min(left, LONGEST_TIMER_MS));
      timer = setTimeout(() => (left > step ? arm(left - step) : run()), step);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** The date of `at`, an instant by the clock's `now`, as the machine dates it at present. */
export function dateOf(clock: Pick<Clock, 'now' | 'wall'>, at: number = clock.now()): Date {
  return new Date(clock.wall() + (at - clock.now()));
}
