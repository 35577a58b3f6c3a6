import { dateOf, type Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import { Outage } from '../outage.ts';
import type { KubeError } from './error.ts';

/** Tells that a list and watch fails, and that it works again. */
export class WatchOutage {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fields: LogFields;
  readonly #outage: Outage;

  /** @param fields which list and watch it is */
  constructor(clock: Clock, log: Log, fields: LogFields) {
    this.#clock = clock;
    this.#log = log;
    this.#fields = fields;
    this.#outage = new Outage({ clock });
  }

  /** For how long it has failed, milliseconds; 0: it works. */
  get lastsMs(): number {
    return this.#outage.lastsMs;
  }

  /** For how long the API server has not known the resource, milliseconds. */
  get unknownMs(): number {
    return this.#outage.lastsFor(UNKNOWN);
  }

  /** Another attempt failed; the next one comes after `delayMs`. */
  failed(error: KubeError, delayMs: number): void {
    const notice = this.#outage.failed(causeOf(error));
    const { attempts, since } = this.#outage;
    const fields: LogFields = {
      ...this.#fields,
      attempt: attempts,
      ...described(error),
      nextRetry: dateOf(this.#clock, this.#clock.now() + delayMs).toISOString(),
    };
    if (notice === 'lasts') fields.since = dateOf(this.#clock, since).toISOString();
    if (notice === undefined || notice === 'lasts')
      this.#log[notice === undefined ? 'debug' : 'warn']('list and watch still fail', fields);
    else if (error.status === 404)
      this.#log.warn('the API server does not know this resource yet, trying again', fields);
    else this.#log.warn('list and watch failed, trying again', fields);
  }

  /**
   * It works, and has done so from `at` (by the clock's `now`) on.
   * @param live a watch said it, and not only the state before it: after silence that alone shows that it works
   */
  ended(at: number | undefined, live: boolean): void {
    if (!live && this.#outage.cause === SILENT) return;
    const ended = this.#outage.ended(at);
    if (ended === undefined) return;
    const { attempts, durationSeconds } = ended;
    this.#log.info('list and watch work again', { ...this.#fields, attempt: attempts, durationSeconds });
  }
}

const UNKNOWN = '404';
const SILENT = 'Silent';

/** Answers are told apart by their status; for a reader all 5xx are a server that is not well. */
function causeOf({ status, code }: KubeError): string {
  if (status >= 500) return '5xx';
  return status === 0 ? (code ?? '') : String(status);
}

function described({ status, reason, code }: KubeError): LogFields {
  return {
    ...(status === 0 ? {} : { status }),
    ...(reason === '' ? {} : { reason }),
    ...(code === undefined ? {} : { cause: code }),
  };
}
