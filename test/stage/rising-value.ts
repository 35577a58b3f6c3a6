import { setTimeout as sleep } from 'node:timers/promises';
import type { DevSafe } from '../devcluster/safe.ts';

/**
 * A secret in Safe, open to all namespaces, whose value only ever rises: `{"first": N, "second": N}`. Whoever
 * shows a lower one after a higher was set back, whoever shows two different ones is torn.
 */
export class RisingValue {
  readonly name: string;
  readonly #safe: DevSafe;
  /** When each value was about to be registered, Unix milliseconds; the value is the index. */
  readonly #times: number[] = [Date.now()];
  #climb: { stop: AbortController; done: Promise<void> } | undefined;

  private constructor(safe: DevSafe, name: string) {
    this.#safe = safe;
    this.name = name;
  }

  static async register(safe: DevSafe, name: string): Promise<RisingValue> {
    const rising = new RisingValue(safe, name);
    // A second secret, so that Safe names them.
    await safe.register({
      name: 'raw:vsecm-agent-placeholder',
      value: 'placeholder',
      namespaces: ['vsecm-agent'],
    });
    await rising.raise();
    return rising;
  }

  /** The value in Safe. */
  get now(): number {
    return this.#times.length - 1;
  }

  /** When `value` was about to be registered, Unix milliseconds. */
  setAt(value: number): number {
    return this.#times[value] ?? NaN;
  }

  /** Registers the next value; resolves to it. */
  async raise(): Promise<number> {
    const next = this.#times.push(Date.now()) - 1;
    await this.#safe.register({
      name: `raw:${this.name}`,
      value: JSON.stringify({ first: next, second: next }),
      namespaces: ['*'],
    });
    return next;
  }

  /** Raises it every `ms` milliseconds until `rest`. */
  climb(ms: number): void {
    const stop = new AbortController();
    const run = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await this.raise();
        await sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    };
    this.#climb = { stop, done: run() };
  }

  async rest(): Promise<void> {
    this.#climb?.stop.abort();
    await this.#climb?.done;
    this.#climb = undefined;
  }
}
