import type { Clock } from './clock.ts';

/** How long work may follow on work before timers and sockets get their turn, milliseconds. */
const STRETCH_MS = 10;

/**
 * Turns of the event loop for work that comes in thousands and often waits for nothing: promises alone never
 * let a timer or a socket in between. Who waits for a turn has it alone, one after the other.
 */
export class Turns {
  readonly #stretchMs: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #waiting: (() => void)[] = [];
  /** When the first piece of work of this turn began, in milliseconds of the clock. */
  #begunAt: number | undefined;

  constructor({ clock, stretchMs = STRETCH_MS }: { clock: Pick<Clock, 'now'>; stretchMs?: number }) {
    this.#stretchMs = stretchMs;
    this.#clock = clock;
  }

  /** Before each piece of work: `undefined`, or a later turn, to be waited for, if this one has been long enough. */
  take(): Promise<void> | undefined {
    if (this.#begunAt === undefined) this.#begin();
    else if (this.#clock.now() - this.#begunAt >= this.#stretchMs)
      return new Promise((resolve) => this.#waiting.push(resolve));
    return undefined;
  }

  /**
   * Does work that comes in pieces, each in a turn that has room for it.
   * @param spent is told the milliseconds that the pieces took, also if one of them throws
   */
  async through<Result>(
    work: Iterator<undefined, Result, undefined>,
    spent: (ms: number) => void,
  ): Promise<Result> {
    let total = 0;
    try {
      for (;;) {
        const turn = this.take();
        if (turn) await turn;
        const begunAt = this.#clock.now();
        try {
          const { done, value } = work.next();
          if (done === true) return value;
        } finally {
          total += this.#clock.now() - begunAt;
        }
      }
    } finally {
      spent(total);
    }
  }

  #begin(): void {
    this.#begunAt = this.#clock.now();
    setImmediate(() => {
      this.#begunAt = undefined;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#begin();
      next();
    });
  }
}
