/** How long work may follow on work before timers and sockets get their turn, milliseconds. */
const STRETCH_MS = 10;

/**
 * Turns of the event loop for work that comes in thousands and often waits for nothing: promises alone never
 * let a timer or a socket in between.
 */
export class Turns {
  readonly #stretchMs: number;
  /** When the first piece of work of this turn began, `performance.now()`. */
  #begunAt: number | undefined;
  #next: Promise<void> | undefined;

  constructor(options: { stretchMs?: number } = {}) {
    this.#stretchMs = options.stretchMs ?? STRETCH_MS;
  }

  /** Before each piece of work: resolves at once, or in the next turn if this one has been long enough. */
  async take(): Promise<void> {
    if (this.#begunAt === undefined) {
      this.#begunAt = performance.now();
      setImmediate(() => (this.#begunAt = undefined));
      return;
    }
    if (performance.now() - this.#begunAt < this.#stretchMs) return;
    this.#next ??= new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#next = undefined;
        resolve();
      });
    });
    await this.#next;
  }
}
