import type { Clock } from './clock.ts';

/** How long work may follow on work before timers and sockets get their turn, milliseconds. */
const STRETCH_MS = 10;

/**
 * Turns of the event loop for work that comes in thousands and often waits for nothing: promises alone never
 * let a timer or a socket in between.
 */
export class Turns {
  readonly #stretchMs: number;
  readonly #clock: Pick<Clock, 'now'>;
  /** When the first piece of work of this turn began, in milliseconds of the clock. */
  #begunAt: number | undefined;
  #next: Promise<void> | undefined;

  constructor({ clock, stretchMs = STRETCH_MS }: { clock: Pick<Clock, 'now'>; stretchMs?: number }) {
    this.#stretchMs = stretchMs;
    this.#clock = clock;
  }

  /** Before each piece of work: resolves at once, or in the next turn if this one has been long enough. */
  async take(): Promise<void> {
    if (this.#begunAt === undefined) {
      this.#begunAt = this.#clock.now();
      setImmediate(() => (this.#begunAt = undefined));
      return;
    }
    if (this.#clock.now() - this.#begunAt < this.#stretchMs) return;
    this.#next ??= new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#next = undefined;
        resolve();
      });
    });
    await this.#next;
  }
}
