import { Backoff } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { VSecMSecretStatus } from '../api/vsecmsecret.ts';
import { Lane } from '../kube/lane.ts';
import type { Resource } from '../api/resource.ts';
import type { Schedule } from '../schedule.ts';

/** Writes the status of one resource. Resolves to false if there is nothing to write: it is gone, made anew, or another agent's. */
export type PutStatus = (resource: Resource, status: VSecMSecretStatus) => Promise<boolean>;

export interface StatusPace {
  /** Between two writes for one resource, milliseconds. */
  perResourceMs: number;
  /** Writes in a second, in all, of those that are not urgent. */
  perSecond: number;
  /** Writes in flight. */
  concurrency: number;
}

export const STATUS_PACE: StatusPace = { perResourceMs: 5_000, perSecond: 20, concurrency: 8 };

interface Pending {
  resource: Resource;
  status: VSecMSecretStatus;
  urgency: Urgency;
}

/**
 * `urgent`: somebody waits for it; `routine`: as pace allows; `patient`: it follows what others keep changing, so once a
 * minute will do.
 */
export type Urgency = 'urgent' | 'routine' | 'patient';
const PRESSING: readonly Urgency[] = ['urgent', 'routine', 'patient'];
const PATIENT_MS = 60_000;

/** How long a status that another agent wrote stands before this one writes its own, milliseconds. */
const YIELD_MS = 60_000;
/** Of so many writes one is routine if its pace allows, however much is urgent: a tenant can keep that coming. */
const ROUTINE_SHARE = 8;

export interface StatusWriterOptions {
  put: PutStatus;
  schedule: Schedule;
  clock: Clock;
  random: Random;
  pace: StatusPace;
  onResult: (result: 'written' | 'gone' | 'failed') => void;
}

/**
 * Sends statuses at a bounded pace, the newest of each resource only. What users wait for goes first; the
 * rest, such as a failing Safe that concerns thousands, trickles. Among equals namespaces take turns.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #pending = new Map<string, Pending>();
  /** Keys that may be written now. */
  readonly #urgent = new Lane();
  readonly #routine = new Lane();
  readonly #lastAt = new Map<string, number>();
  readonly #retries = new Map<string, Backoff>();
  readonly #inFlight = new Map<string, Promise<void>>();
  /** In flight, and not to be tried again: another agent may be writing that status by now. */
  readonly #forgotten = new Set<string>();
  #flushing = false;
  #nextRoutineAt = -Infinity;
  #sent = 0;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Statuses that wait to be written. */
  get size(): number {
    return this.#pending.size + this.#inFlight.size;
  }

  /** Notes the status that a resource should have; replaces one that was not sent yet. */
  submit(resource: Resource, status: VSecMSecretStatus, urgency: Urgency): void {
    const key = resource.key;
    this.#forgotten.delete(key);
    const waits = this.#pending.get(key)?.urgency;
    const most = PRESSING.find((one) => one === urgency || one === waits)!;
    this.#pending.set(key, { resource, status, urgency: most });
    this.#line(key);
  }

  /**
   * Another agent writes this status too, since each takes the resource for its own: they must not do so in turn at full
   * speed.
   */
  yield(key: string): void {
    const { clock, pace } = this.#options;
    this.#lastAt.set(key, clock.now() + YIELD_MS - pace.perResourceMs);
    this.#line(key);
  }

  /** The resource is gone or another agent's. */
  forget(key: string): void {
    if (this.#inFlight.has(key)) this.#forgotten.add(key);
    this.#pending.delete(key);
    this.#urgent.delete(key);
    this.#routine.delete(key);
    this.#lastAt.delete(key);
    this.#retries.delete(key);
    this.#options.schedule.delete(`status ${key}`);
  }

  /** Sends what waits without regard to pace, each once, and resolves when nothing is left or in flight. */
  async flush(): Promise<void> {
    this.#flushing = true;
    for (const key of this.#pending.keys()) this.#urgent.add(key);
    for (this.#pump(); this.#inFlight.size > 0; this.#pump()) await Promise.race(this.#inFlight.values());
  }

  /** Queues a key, now or when its resource may be written again. */
  #line(key: string): void {
    const pending = this.#pending.get(key);
    if (!pending || this.#inFlight.has(key)) return;
    const { clock, schedule, pace } = this.#options;
    const at =
      (this.#lastAt.get(key) ?? -Infinity) +
      (pending.urgency === 'patient' ? PATIENT_MS : pace.perResourceMs);
    if (at > clock.now() && !this.#flushing) {
      schedule.set(`status ${key}`, at, () => this.#line(key));
      return;
    }
    if (pending.urgency === 'urgent' || this.#flushing) {
      this.#routine.delete(key);
      this.#urgent.add(key);
    } else if (!this.#urgent.has(key)) this.#routine.add(key);
    this.#pump();
  }

  #pump(): void {
    const { clock, schedule, pace } = this.#options;
    while (this.#inFlight.size < pace.concurrency) {
      const key = this.#next();
      if (key === undefined) break;
      this.#urgent.delete(key);
      this.#routine.delete(key);
      const pending = this.#pending.get(key);
      if (!pending || this.#inFlight.has(key)) continue;
      this.#sent += 1;
      this.#pending.delete(key);
      this.#inFlight.set(key, this.#send(key, pending));
    }
    if (this.#routine.size > 0 && this.#nextRoutineAt > clock.now()) {
      schedule.set('status pace', this.#nextRoutineAt, () => this.#pump());
    }
  }

  #next(): string | undefined {
    if (this.#sent % ROUTINE_SHARE < ROUTINE_SHARE - 1) return this.#urgent.shift() ?? this.#nextRoutine();
    return this.#nextRoutine() ?? this.#urgent.shift();
  }

  #nextRoutine(): string | undefined {
    const { clock, pace } = this.#options;
    const now = clock.now();
    if (this.#routine.size === 0 || this.#nextRoutineAt > now) return undefined;
    this.#nextRoutineAt = Math.max(this.#nextRoutineAt, now - 1000 / pace.perSecond) + 1000 / pace.perSecond;
    return this.#routine.shift();
  }

  async #send(key: string, pending: Pending): Promise<void> {
    const { put, clock, random, schedule, onResult } = this.#options;
    let result: 'written' | 'gone' | 'failed';
    try {
      result = (await put(pending.resource, pending.status)) ? 'written' : 'gone';
    } catch {
      result = 'failed';
    }
    onResult(result);
    this.#inFlight.delete(key);
    if (this.#forgotten.delete(key)) return this.#pump();
    this.#lastAt.set(key, clock.now());
    if (result === 'failed' && !this.#flushing) {
      // A newer status that was submitted meanwhile stands; else this one is tried again.
      if (!this.#pending.has(key)) this.#pending.set(key, pending);
      const retry = this.#retries.get(key) ?? new Backoff({ firstMs: 1_000, maxMs: 60_000, random });
      this.#retries.set(key, retry);
      schedule.set(`status ${key}`, clock.now() + 500 + retry.next(), () => this.#line(key));
    } else {
      this.#retries.delete(key);
      this.#line(key);
    }
    this.#pump();
  }
}
