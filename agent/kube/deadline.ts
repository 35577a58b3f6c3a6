import type { Clock } from '../clock.ts';

/**
 * A signal that is aborted with one of `outers`, or when time is up. `AbortSignal.any` and `timeout` would do the same by
 * the machine's clock only.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #outers: readonly AbortSignal[];
  readonly #controller = new AbortController();
  readonly #onOuter = (): void => this.#controller.abort();
  #cancel: () => void = () => {};
  #ms: number | (() => number) = 0;
  #code = '';
  #since = 0;
  #missed: string | undefined;

  /** @param code what `missed` says when `ms` milliseconds have passed */
  constructor(clock: Clock, outers: readonly (AbortSignal | undefined)[], ms: number, code: string) {
    this.#clock = clock;
    this.#outers = outers.filter((outer) => outer !== undefined);
    for (const outer of this.#outers) outer.addEventListener('abort', this.#onOuter, { once: true });
    if (this.aborted) this.#controller.abort();
    this.restart(ms, code);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether one of `outers` was aborted. */
  get aborted(): boolean {
    return this.#outers.some(({ aborted }) => aborted);
  }

  /** The code of the deadline that has passed. */
  get missed(): string | undefined {
    return this.#missed;
  }

  /**
   * From now on another deadline.
   * @param ms asked again when it may have passed
   */
  restart(ms: number | (() => number), code: string): void {
    this.#ms = ms;
    this.#code = code;
    this.extend();
    this.#arm(this.#length);
  }

  /** Begins the same time anew. Cheap: the timer stays and looks at this when it fires. */
  extend(): void {
    this.#since = this.#clock.now();
  }

  /** Stops looking at clock and `outers`. */
  end(): void {
    this.#cancel();
    for (const outer of this.#outers) outer.removeEventListener('abort', this.#onOuter);
  }

  get #length(): number {
    return typeof this.#ms === 'number' ? this.#ms : this.#ms();
  }

  #arm(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => {
      const left = this.#since + this.#length - this.#clock.now();
      if (left > 0) return this.#arm(left);
      this.#missed = this.#code;
      this.#controller.abort();
    });
  }
}

/** Passes chunks on; each one extends the deadline. */
export async function* noticed(
  chunks: AsyncIterable<Uint8Array>,
  deadline: Deadline,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    deadline.extend();
    yield chunk;
  }
}
