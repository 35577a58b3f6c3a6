/** Time as the agent sees it; tests replace it by one that they move by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** Node fires a timer at once when its delay does not fit in 31 bits; longer waits are walked in steps. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
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
