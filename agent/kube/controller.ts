import { dateOf, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';
import { codeOf, KubeError } from './error.ts';
import type { WorkQueue } from './workqueue.ts';

export interface ControllerOptions {
  queue: WorkQueue;
  /** Keys worked on at a time. */
  concurrency: number;
  /**
   * Makes the world agree with what `key` wants. Resolves: done, nothing to try again. Throws: try again later,
   * after `retryAfterMs` of the error at the earliest. `signal` says that the agent ends; a write that has begun
   * is better finished.
   */
  reconcile: (key: string, signal: AbortSignal) => Promise<void>;
  /** Errors that `reconcile` has told of itself. */
  isTold?: (error: unknown) => boolean;
  log: Log;
  clock: Clock;
}

/** Works on the keys of a queue, several at a time, each by one worker at a time. */
export class Controller {
  readonly #options: ControllerOptions;
  /** Keys that fail in a way of which `reconcile` tells nothing. */
  readonly #outages = new Map<string, Outage>();

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Once `signal` is aborted no key is taken any more; resolves when what was in work has ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    for (;;) {
      const key = await queue.take(signal);
      // It may have been handed over just before the end.
      if (key === undefined || signal.aborted) return;
      await this.#reconcile(key, signal);
      queue.done(key);
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { queue, reconcile } = this.#options;
    try {
      await reconcile(key, signal);
      queue.forget(key);
      this.#ended(key);
    } catch (error) {
      if (!signal.aborted) this.#retry(key, error);
    }
  }

  #retry(key: string, error: unknown): void {
    const { queue, log, clock, isTold } = this.#options;
    const delayMs = queue.retry(key, wishOf(error));
    const fields = {
      ...named(key),
      code: codeOf(error),
      ...(error instanceof KubeError && error.status > 0 && { status: error.status, reason: error.reason }),
      attempt: queue.attempts(key),
      nextRetry: dateOf(clock, clock.now() + delayMs).toISOString(),
    };
    if (isTold?.(error) === true) {
      this.#outages.delete(key);
      return log.debug('reconciling failed, trying again', fields);
    }
    const outage = this.#outages.get(key) ?? new Outage({ clock });
    this.#outages.set(key, outage);
    const notice = outage.failed(`${fields.code} ${fields.status}`);
    log[notice === undefined ? 'debug' : 'warn']('reconciling failed, trying again', {
      ...fields,
      ...(notice === 'lasts' && { since: dateOf(clock, outage.since).toISOString() }),
    });
  }

  #ended(key: string): void {
    const ended = this.#outages.get(key)?.ended();
    this.#outages.delete(key);
    if (ended === undefined) return;
    const { attempts, durationSeconds } = ended;
    this.#options.log.info('reconciling works again', { ...named(key), attempt: attempts, durationSeconds });
  }
}

function named(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

function wishOf(error: unknown): number {
  const wish = (error as { retryAfterMs?: unknown } | null)?.retryAfterMs;
  return typeof wish === 'number' ? wish : 0;
}
