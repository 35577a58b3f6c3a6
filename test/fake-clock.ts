import type { Clock } from '../agent/clock.ts';

interface Timer {
  at: number;
  run: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  #set = 0;
  readonly #timers = new Set<Timer>();
  readonly #armed = new Set<() => void>();

  /** @param start Unix milliseconds */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.#set;
  }

  /** The machine's clock is set, by so many milliseconds forward or back; time passes as before. */
  set(ms: number): void {
    this.#set += ms;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), run };
    this.#timers.add(timer);
    for (const resolve of this.#armed) resolve();
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds until each timer that is set, the soonest first. */
  get pending(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Resolves when a timer is set that satisfies `wanted`, at once if there is one already. */
  async whenPending(wanted: (inMs: number) => boolean = () => true): Promise<void> {
    while (!this.pending.some(wanted)) {
      await new Promise<void>((resolve) => this.#armed.add(resolve));
      this.#armed.clear();
    }
  }

  /** Moves time on, running each timer at its moment and what follows from it before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
  }

  /** Time passes while the process stands still, as under SIGSTOP: what falls due runs at the next `advance`. */
  jump(ms: number): void {
    this.#now += ms;
  }
}

/** Lets promises that are ready run to where they wait for something else. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
