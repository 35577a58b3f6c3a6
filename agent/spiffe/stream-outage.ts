import { dateOf, type Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import { Outage } from '../outage.ts';

export interface StreamOutageOptions {
  clock: Clock;
  log: Log;
  /** Address of the Workload API. */
  socket: string;
  /** What a person can do about a mount that was orphaned. */
  orphanHint: () => string | undefined;
}

/** What stands in the place of ENOENT where the folder of the socket is known to be gone from the node. */
export const ORPHANED_MOUNT = 'ORPHANED_MOUNT';

/** Tells that the stream of the Workload API cannot be had, and that it can again. */
export class StreamOutage {
  readonly #options: StreamOutageOptions;
  readonly #outage: Outage;

  constructor(options: StreamOutageOptions) {
    this.#options = options;
    this.#outage = new Outage(options);
  }

  /** For how long every attempt has failed for `cause`, milliseconds; 0: the last one did not. */
  lastsFor(cause: string): number {
    return this.#outage.lastsFor(cause);
  }

  /** A stream ended, or could not be had; the next one is opened after `delayMs`. */
  failed(cause: string, attempt: number, delayMs: number): void {
    const { clock, log, socket, orphanHint } = this.#options;
    // A stream that delivered and ends is opened again at once; that SPIRE is gone shows when that fails, too.
    const notice = delayMs === 0 ? undefined : this.#outage.failed(cause);
    const fields: LogFields = {
      socket,
      cause,
      attempt,
      nextRetry: dateOf(clock, clock.now() + delayMs).toISOString(),
    };
    if (notice === 'lasts') fields.since = dateOf(clock, this.#outage.since).toISOString();
    if (cause === ORPHANED_MOUNT) {
      fields.code = 'SocketOrphaned';
      const hint = orphanHint();
      if (hint !== undefined) fields.hint = hint;
    }
    log[notice === undefined ? 'debug' : 'warn']('Workload API stream ended', fields);
  }

  /** A stream delivers. */
  ended(): void {
    const ended = this.#outage.ended();
    if (ended === undefined) return;
    const { attempts: attempt, durationSeconds } = ended;
    this.#options.log.info('Workload API answers again', {
      socket: this.#options.socket,
      attempt,
      durationSeconds,
    });
  }
}
