import type { Failure } from '../api/reasons.ts';
import { workloadText, type Workload } from '../api/restart.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Restarted } from '../decide/restarts.ts';
import { Rollout, type Change, type RolloutPace } from './rollout.ts';
import type { WorkloadApi } from './workload-api.ts';

export interface RolloutsOptions {
  api: WorkloadApi;
  clock: Clock;
  pace: RolloutPace;
  log: Pick<Log, 'info'>;
  /** Whether a resource is still this agent's. */
  owns: (key: string) => boolean;
  /** There is something new to be told of the resource. */
  changed: (key: string) => void;
}

/**
 * Restarts workloads after changes of Secrets, by marks on their pod templates: one rollout for all the Secrets of a
 * workload that change together. Keeps nothing that is needed: what was asked for and not done is asked for again by
 * whoever compares the Secret with the status.
 */
export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #rollouts = new Map<string, Rollout>();
  readonly #restarted = new Map<string, Map<string, Restarted>>();

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  /** What became of what a resource asked for, by `workloadText`. */
  of(key: string): ReadonlyMap<string, Restarted> {
    return this.#restarted.get(key) ?? NONE;
  }

  /** Asks for a restart; a second time for the same revision nothing is done. */
  ask(namespace: string, workload: Workload, change: Change): void {
    const id = `${namespace}/${workloadText(workload)}`;
    let rollout = this.#rollouts.get(id);
    if (!rollout) {
      rollout = new Rollout({
        ...this.#options,
        namespace,
        workload,
        told: (changes, failure) => this.#told(namespace, workload, changes, failure),
      });
      this.#rollouts.set(id, rollout);
    }
    rollout.add(change);
  }

  /** Takes back all that a resource asked for. */
  forget(key: string): void {
    this.#restarted.delete(key);
    for (const [id, rollout] of this.#rollouts) {
      rollout.remove(key);
      if (rollout.idle) this.#rollouts.delete(id);
    }
  }

  /** Nothing is done any more. */
  stop(): void {
    for (const rollout of this.#rollouts.values()) rollout.stop();
    this.#rollouts.clear();
    this.#restarted.clear();
  }

  #told(
    namespace: string,
    workload: Workload,
    changes: readonly Change[],
    failure: Failure | undefined,
  ): void {
    const text = workloadText(workload);
    for (const { key, secret, revision } of changes) {
      if (!failure) this.#options.log.info('restart requested', { namespace, workload: text, secret });
      const restarted = this.#restarted.get(key) ?? new Map<string, Restarted>();
      this.#restarted.set(key, restarted);
      const before = restarted.get(text)?.revision;
      restarted.set(text, { revision: failure ? before : revision, failure });
      this.#options.changed(key);
    }
    const id = `${namespace}/${text}`;
    if (this.#rollouts.get(id)?.idle) this.#rollouts.delete(id);
  }
}

const NONE: ReadonlyMap<string, Restarted> = new Map();
