import { Failure } from '../api/reasons.ts';
import { RESTART_ANNOTATION, workloadText, type Workload } from '../api/restart.ts';
import type { Clock } from '../clock.ts';
import { markOf } from './mark.ts';
import { WorkloadError, type WorkloadApi } from './workload-api.ts';

/** When a workload is marked; milliseconds. */
export interface RolloutPace {
  /** Secrets that change together are one rollout: it waits until nothing has changed for so long. */
  quietMs: number;
  /** But no longer than that after the first change. */
  latestMs: number;
  /** What a restart that fails waits before it is tried again: nobody tells when a workload comes, or consents. */
  retryMs: readonly number[];
}

export const ROLLOUT_PACE: RolloutPace = {
  quietMs: 10_000,
  latestMs: 60_000,
  retryMs: [5_000, 15_000, 60_000],
};
/** So many times a workload may change between look and mark before that is paced. */
const FREE_CONFLICTS = 3;

/** A Secret whose content changed, and the VSecMSecret it belongs to. */
export interface Change {
  /** `namespace/name` of the resource. */
  readonly key: string;
  readonly secret: string;
  /** How often its content changed. */
  readonly revision: number;
}

export interface RolloutOptions {
  namespace: string;
  workload: Workload;
  api: WorkloadApi;
  clock: Clock;
  pace: RolloutPace;
  /** Whether a resource is still this agent's. */
  owns: (key: string) => boolean;
  /** The workload was marked with these, if any, or why it was not. */
  told: (changes: readonly Change[], failure: Failure | undefined) => void;
}

/** The marks that one workload is to get. */
export class Rollout {
  readonly #options: RolloutOptions;
  readonly #changes = new Map<string, Change>();
  #firstAt = Infinity;
  #lastAt = -Infinity;
  #retryAt = -Infinity;
  #failures = 0;
  #conflicts = 0;
  #busy = false;
  #cancel = (): void => {};

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  /** Nothing is wanted of the workload. */
  get idle(): boolean {
    return this.#changes.size === 0 && !this.#busy;
  }

  /** A second time for the same revision nothing is done. */
  add(change: Change): void {
    if (this.#changes.get(change.key)?.revision === change.revision) return;
    const now = this.#options.clock.now();
    this.#changes.set(change.key, change);
    this.#firstAt = Math.min(this.#firstAt, now);
    this.#lastAt = now;
    this.#retryAt = -Infinity;
    this.#failures = 0;
    this.#arm();
  }

  remove(key: string): void {
    this.#changes.delete(key);
    if (this.#changes.size === 0) this.#firstAt = Infinity;
    this.#arm();
  }

  stop(): void {
    this.#changes.clear();
    this.#cancel();
  }

  #arm(): void {
    this.#cancel();
    if (this.#busy || this.#changes.size === 0) return;
    const { clock, pace } = this.#options;
    const due = Math.max(this.#retryAt, Math.min(this.#lastAt + pace.quietMs, this.#firstAt + pace.latestMs));
    this.#cancel = clock.after(Math.max(0, due - clock.now()), () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#busy = true;
    const { clock, owns, told, pace } = this.#options;
    const changes = [...this.#changes.values()];
    const came = await this.#mark(changes);
    this.#busy = false;
    const now = clock.now();
    if (came === 'marked') {
      this.#failures = 0;
      this.#conflicts = 0;
      for (const { key, revision } of changes)
        if (this.#changes.get(key)?.revision === revision) this.#changes.delete(key);
      this.#firstAt = this.#changes.size === 0 ? Infinity : now;
      told(changes, undefined);
    } else if (came === 'guarded') {
      for (const key of this.#changes.keys()) if (!owns(key)) this.#changes.delete(key);
      told([], undefined);
    } else if (came instanceof Failure) {
      this.#retryAt = now + pace.retryMs[Math.min(this.#failures, pace.retryMs.length - 1)]!;
      this.#failures += 1;
      told(
        changes.filter(({ key }) => this.#changes.has(key)),
        came,
      );
    }
    this.#arm();
  }

  /** `again`: the workload changed meanwhile. */
  async #mark(changes: readonly Change[]): Promise<'marked' | 'guarded' | 'again' | Failure> {
    const { namespace, workload, api, owns } = this.#options;
    const guard = (): boolean =>
      changes.every(({ key, revision }) => owns(key) && this.#changes.get(key)?.revision === revision);
    try {
      if (!guard()) return 'guarded';
      const { resourceVersion, consents } = await api.look(namespace, workload);
      if (!consents)
        return failure('RestartNotAllowed', workload, `does not carry ${RESTART_ANNOTATION}: "true"`);
      const marks = new Map(changes.map(({ secret, revision }) => [markOf(secret), String(revision)]));
      await api.mark(namespace, workload, marks, { resourceVersion, guard });
      return 'marked';
    } catch (error) {
      if (!(error instanceof WorkloadError)) throw error;
      return this.#meaning(error);
    }
  }

  #meaning({ refusal, reason }: WorkloadError): 'guarded' | 'again' | Failure {
    const { workload } = this.#options;
    switch (refusal) {
      case 'guarded':
        return 'guarded';
      case 'stale':
        this.#conflicts += 1;
        if (this.#conflicts <= FREE_CONFLICTS) return 'again';
        this.#conflicts = 0;
        return failure('RestartFailed', workload, 'changes faster than it can be marked', reason);
      case 'missing':
        return failure('RestartFailed', workload, 'does not exist', reason);
      case 'forbidden':
        return failure('RestartNotAllowed', workload, "is out of reach of the agent's rights", reason);
      case 'invalid':
        return failure('RestartFailed', workload, 'was refused by the API server as it would be', reason);
      case 'unavailable':
        return failure(
          'RestartFailed',
          workload,
          'could not be marked: the API server does not serve',
          reason,
        );
    }
  }
}

const failure = (
  code: 'RestartNotAllowed' | 'RestartFailed',
  workload: Workload,
  what: string,
  reason?: string,
): Failure =>
  new Failure(code, `${workloadText(workload)} is to be restarted, and ${what}`, {
    context: { workload: workloadText(workload) },
    ...(reason !== undefined && { reason }),
  });
