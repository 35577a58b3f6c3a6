import type { Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import { Outage } from '../outage.ts';

/** For so long the whole state is not asked for as a stream again, after that failed. */
const PAGES_MS = 300_000;

/** Whether the whole state of a collection may be asked for as a stream; tells when not, and when again. */
export class Streaming {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fields: LogFields;
  readonly #outage: Outage;
  #pagesUntil = -Infinity;

  /** @param fields which collection it is */
  constructor(clock: Clock, log: Log, fields: LogFields) {
    this.#clock = clock;
    this.#log = log;
    this.#fields = fields;
    // It is no trouble, so it is not told again while it lasts.
    this.#outage = new Outage({ clock, reminderMs: Infinity });
  }

  /** Whether it is to be listed by pages. */
  get off(): boolean {
    return this.#clock.now() < this.#pagesUntil;
  }

  /** It did not come as a stream, or not to its end. */
  failed(cause: string): void {
    this.#pagesUntil = this.#clock.now() + PAGES_MS;
    if (this.#outage.failed(cause) === undefined) return;
    const fields = { ...this.#fields, cause };
    this.#log.info('the whole state does not come as a stream; it is listed by pages for a while', fields);
  }

  /** It came as a stream. */
  worked(): void {
    if (this.#outage.ended() === undefined) return;
    this.#log.info('the whole state comes as a stream again', this.#fields);
  }
}
