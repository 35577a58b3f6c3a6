import { EventEmitter, on } from 'node:events';

/** Tells those who wait that something has changed. */
export class Changes {
  readonly #events = new EventEmitter().setMaxListeners(0);

  tell(): void {
    this.#events.emit('change');
  }

  /** Resolves once `fits`, asked after each change; rejects after `timeoutMs` with what `missing` says then. */
  async until(fits: () => boolean, timeoutMs: number, missing: () => string): Promise<void> {
    if (fits()) return;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      for await (const _ of on(this.#events, 'change', { signal })) if (fits()) return;
    } catch {
      throw new Error(`not within ${timeoutMs} ms: ${missing()}`);
    }
  }
}
