/** What one watch still has to send; read by one reader, ended once. */
export class EventQueue implements AsyncIterable<string> {
  #texts: string[] = [];
  #ended = false;
  #wake = (): void => {};
  #onEnd = (): void => {};

  push(text: string): void {
    if (this.#ended) return;
    this.#texts.push(text);
    this.#wake();
  }

  /** What was pushed before is still read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#wake();
  }

  /** Runs `run` at the end, at once if that is past. */
  onEnd(run: () => void): void {
    this.#onEnd = run;
    if (this.#ended) run();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    try {
      for (;;) {
        if (this.#texts.length > 0) {
          const texts = this.#texts;
          this.#texts = [];
          yield texts.join('');
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.end();
    }
  }
}
