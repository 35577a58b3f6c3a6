import { Backoff, pause } from '../backoff.ts';
import { dateOf, type Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import { Outage } from '../outage.ts';
import type { Random } from '../random.ts';
import { runTogether } from '../tasks.ts';
import { CHECK_MS, tellSight } from './sight.ts';
import type { Slice } from './slices.ts';
import { Suspension } from './suspension.ts';
import { ViewAge, type ViewAgeOptions } from './view-age.ts';

export interface LookoutOptions extends ViewAgeOptions {
  /** Lists the slices of the agents' Service, all of them, as the API server has them now. */
  list: (signal: AbortSignal) => Promise<readonly Slice[]>;
  /**
   * Takes what was listed by a request begun at `begunAt`; `afresh`: nothing that was known before may be relied on.
   */
  onSlices: (slices: readonly Slice[], afresh: boolean, begunAt: number) => void;
  /** Called when the process turns out to have stood still; `onSlices` follows once the list answers. */
  onSuspended: () => void;
  /** Called when the members are known again, after they were not for too long; `onSlices` may not follow. */
  onSighted: () => void;
  /** Whether nobody watches the slices here, so that they are listed from time to time. */
  polls: () => boolean;
  /** Time between two such lists in milliseconds, give or take a fifth, so that agents do not ask in step. */
  pollMs: number;
  /** A gap between timers beyond this many milliseconds is a suspension. */
  suspensionMs: number;
  clock: Clock;
  log: Log;
  random: Random;
}

/**
 * Lists the members at the start, from time to time where they are not watched, while a watch on them fails or is
 * silent, and after a suspension.
 */
export class Lookout {
  readonly #options: LookoutOptions;
  readonly #suspension: Suspension;
  readonly #outage: Outage;
  readonly #age: ViewAge;
  #wake = (): void => {};

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#outage = new Outage({ clock: options.clock });
    this.#age = new ViewAge(options);
    this.#suspension = new Suspension({ clock: options.clock, boundMs: options.suspensionMs });
  }

  /** Whether the members were last read before the process stood still. */
  get suspended(): boolean {
    return this.#suspension.suspected;
  }

  /** Whether the members have been unknown for too long to serve anything. */
  get blind(): boolean {
    return this.#age.blind();
  }

  /** Whether nobody watches the slices here has changed: waits anew. */
  reconsider(): void {
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { polls } = this.#options;
    await runTogether(signal, {
      beat: (all) => this.#suspension.run(all, () => this.#noticed()),
      look: (all) => this.#keepLooking(all),
      sight: (all) => tellSight({ ...this.#options, blind: () => !polls() && this.blind }, all),
    });
  }

  #noticed(): void {
    this.#options.log.warn('The process stood still; nothing is owned until the members are read again');
    this.#options.onSuspended();
    this.#wake();
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    const { clock, pollMs, polls, random } = this.#options;
    await this.#look(signal, true);
    while (!signal.aborted) {
      const polled = polls();
      if (!this.suspended) {
        const wake = new AbortController();
        const woken = (): void => wake.abort();
        this.#wake = woken;
        // Each second: AbortSignal.any would leave its trace on a signal that lives as long as the agent.
        signal.addEventListener('abort', woken, { once: true });
        const pauseMs = polled ? pollMs * (0.8 + 0.4 * random()) : CHECK_MS;
        await pause(clock, pauseMs, wake.signal);
        signal.removeEventListener('abort', woken);
      }
      if (this.suspended || (polled && polls()) || (!polls() && this.#age.doubtful()))
        await this.#look(signal, false);
    }
  }

  /** Lists until that succeeds. */
  async #look(signal: AbortSignal, first: boolean): Promise<void> {
    const { list, onSlices, clock, random } = this.#options;
    const backoff = new Backoff({ firstMs: 1_000, maxMs: 30_000, random });
    while (!signal.aborted) {
      const afresh = first || this.suspended;
      const { count } = this.#suspension;
      const begunAt = clock.now();
      const answer = await list(signal).then(
        (slices) => ({ slices }),
        (error: unknown) => ({ error }),
      );
      if (signal.aborted) return;
      if ('error' in answer) {
        this.#failed(answer.error);
        await pause(clock, backoff.next(), signal);
      } else {
        this.#succeeded();
        // If it stood still again meanwhile, this answers the earlier suspension only and another look follows.
        this.#suspension.answer(count);
        this.#age.listed(begunAt);
        return onSlices(answer.slices, afresh, begunAt);
      }
    }
  }

  #failed(error: unknown): void {
    const { log, clock } = this.#options;
    const fields = fieldsOf(error);
    const notice = this.#outage.failed(`${fields.status} ${fields.reason}`);
    const { since, attempts } = this.#outage;
    if (notice === 'lasts') fields.since = dateOf(clock, since).toISOString();
    if (notice !== undefined)
      log.warn('The members cannot be read; trying on', { ...fields, attempt: attempts });
  }

  #succeeded(): void {
    const ended = this.#outage.ended();
    if (ended === undefined) return;
    const { attempts, durationSeconds } = ended;
    this.#options.log.info('The members can be read again', { attempt: attempts, durationSeconds });
  }
}

/** Status and reason of an error of the Kubernetes API; nothing else of it is fit for a log. */
function fieldsOf(error: unknown): LogFields {
  const { status, reason } = error as { status?: unknown; reason?: unknown };
  return {
    ...(typeof status === 'number' && { status }),
    ...(typeof reason === 'string' && { reason }),
  };
}
