/** The body of an answer, as its reader gets it: texts as they arrive, an end, or a failure. */
export class Stream implements AsyncIterable<Uint8Array> {
  readonly #signal: AbortSignal;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #failure: Error | undefined;
  #closed = false;
  #wake = (): void => {};
  #onClose = (): void => {};
  readonly #onAbort = (): void => {
    this.#close();
    this.#wake();
  };

  /** @param signal abandons it */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    if (signal.aborted) this.#closed = true;
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether nobody reads any more. */
  get closed(): boolean {
    return this.#closed;
  }

  push(text: string): void {
    if (this.#ended || this.#closed) return;
    this.#chunks.push(Buffer.from(text));
    this.#wake();
  }

  /** What was pushed before is still read. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Cuts it off: what was not read yet is lost. */
  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  /** Runs `run` once nobody reads any more, at once if that is so. */
  onClose(run: () => void): void {
    if (this.#closed) run();
    else this.#onClose = run;
  }

  async dump(): Promise<void> {
    for await (const _ of this);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (this.#signal.aborted) throw new DOMException('This operation was aborted', 'AbortError');
        if (this.#failure) throw this.#failure;
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) yield chunk;
        else if (this.#ended) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#close();
    }
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#onClose();
  }
}
