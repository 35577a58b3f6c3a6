/** How long work may follow on work before timers and sockets get their turn, milliseconds. */
const STRETCH_MS = 10;

/**
 * Turns of the event loop for work that comes in thousands and often waits for nothing: promises alone never
 * let a timer or a socket in between.
 */
export class Turns {
  readonly #stretchMs: number;
  readonly #now: () => number;
  /** When the first piece of work of this turn began, in milliseconds of `now`. */
  #begunAt: number | undefined;
  #next: Promise<void> | undefined;

  /** @param options.now milliseconds of any clock that never goes back; default `performance.now` */
  constructor(options: { stretchMs?: number; now?: () => number } = {}) {
    this.#stretchMs = options.stretchMs ?? STRETCH_MS;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Before each piece of work: resolves at once, or in the next turn if this one has been long enough. */
  async take(): Promise<void> {
    if (this.#begunAt === undefined) {
      this.#begunAt = this.#now();
      setImmediate(() => (this.#begunAt = undefined));
      return;
    }
    if (this.#now() - this.#begunAt < this.#stretchMs) return;
    this.#next ??= new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#next = undefined;
        resolve();
      });
    });
    await this.#next;
  }
}
