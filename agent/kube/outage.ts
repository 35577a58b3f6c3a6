import type { Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import type { KubeError } from './error.ts';

/** Logs that something began to fail and that it works again: once each, not per attempt. */
export class Outage {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fields: LogFields;
  #since: number | undefined;
  #attempts = 0;

  constructor(clock: Clock, log: Log, fields: LogFields) {
    this.#clock = clock;
    this.#log = log;
    this.#fields = fields;
  }

  /** For how long it has failed, milliseconds; 0: it works. */
  get lastsMs(): number {
    return this.#since === undefined ? 0 : this.#clock.now() - this.#since;
  }

  /** Another attempt failed; the next one comes after `delayMs`. */
  failed(error: KubeError, delayMs: number): void {
    this.#attempts += 1;
    const fields: LogFields = { ...this.#fields, attempt: this.#attempts, ...described(error) };
    fields.nextRetry = new Date(this.#clock.now() + delayMs).toISOString();
    if (this.#since === undefined) {
      this.#since = this.#clock.now();
      this.#log.warn(
        error.status === 404
          ? 'the API server does not know this resource yet, trying again'
          : 'list and watch failed, trying again',
        fields,
      );
    } else {
      this.#log.debug('list and watch still fail', fields);
    }
  }

  /** It works, and has done so from `at` (Unix milliseconds) on. */
  ended(at: number): void {
    if (this.#since === undefined) return;
    const durationSeconds = Math.max(0, Math.round((at - this.#since) / 1000));
    this.#log.info('list and watch work again', {
      ...this.#fields,
      attempt: this.#attempts,
      durationSeconds,
    });
    this.#since = undefined;
    this.#attempts = 0;
  }
}

function described({ status, reason, code }: KubeError): LogFields {
  return {
    ...(status === 0 ? {} : { status }),
    ...(reason === '' ? {} : { reason }),
    ...(code === undefined ? {} : { cause: code }),
  };
}
