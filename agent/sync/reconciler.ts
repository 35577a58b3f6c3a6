import { Failure, isOutside, type Code } from '../api/reasons.ts';
import type { Spec } from '../api/vsecmsecret.ts';
import type { Metrics } from '../metrics.ts';
import type { Fetched } from '../resolve/answer.ts';
import type { Desired } from '../resolve/desired.ts';
import type { InPieces } from '../resolve/in-pieces.ts';
import { createMemory, type Memory } from './memory.ts';
import { Planner, type PlannerOptions } from './planner.ts';
import { resolve } from '../resolve/refs.ts';
import { safeFailure, type Reporter } from './reporter.ts';
import type { Resource, SecretMeta } from './resource.ts';
import type { SafeSource } from './source.ts';
import type { Schedule } from './schedule.ts';
import { Conflict, NamespaceTerminating } from './secret-api.ts';
import type { SecretWriter } from './secret-writer.ts';
import type { StatusWriter } from './status-writer.ts';
import { isReady } from './status.ts';
import { isProven, TargetKeeper, type Store } from './target-keeper.ts';

/** Which agent serves a namespace. */
export interface Ownership {
  /** `lastNode`: the node in the resource's status, `''` if none. */
  owns(namespace: string, lastNode: string): boolean;
}

export interface ReconcilerOptions extends PlannerOptions {
  node: string;
  resources: Store<Resource>;
  secrets: Store<SecretMeta>;
  memories: Map<string, Memory>;
  ownership: Ownership;
  /** Does work for a namespace piece by piece, at its expense, and lets others have their turns in between. */
  inTurns: <Result>(namespace: string, work: InPieces<Result>) => Promise<Result>;
  writer: SecretWriter;
  reporter: Reporter;
  statuses: StatusWriter;
  schedule: Schedule;
  /** Has a resource looked at soon. */
  enqueue: (key: string, urgent: boolean) => void;
  metrics: Metrics;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

/** Failures that may go when somebody registers something in Safe. */
const MISSING: ReadonlySet<Code> = new Set<Code>([
  'UnnamedSecret',
  'UnprovenAnswer',
  'NotGranted',
  'RefNotFound',
  'RefIsNull',
  'TemplateFailed',
  'RefInvalid',
]);
/** A write that was forbidden is tried again after this long, however long the interval. */
const FORBIDDEN_RETRY_MS = 300_000;

/**
 * Level-based: a look at a resource reads what is there now, in the API server's stores and in Safe's last
 * answer, and makes the Secret match. It never waits for Safe; a resource that needs a newer answer is
 * woken by its source.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #planner: Planner;
  readonly #targets: TargetKeeper;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#planner = new Planner(options);
    this.#targets = new TargetKeeper({ ...options, mayWrite: (resource) => this.#mayWrite(resource) });
  }

  /**
   * One look at the resource `namespace/name`. Resolves also for failures that wait for a change.
   * @throws Conflict, or Failure `ApiUnavailable`: to be tried again soon
   */
  async reconcile(key: string): Promise<void> {
    const { resources, reporter } = this.#options;
    const resource = resources.get(key);
    if (!resource || resource.deleting || !this.#owns(resource)) return this.forget(key);
    const memory = this.#recall(resource);
    if (memory.terminating) return;
    let fetched: Fetched | undefined;
    try {
      const spec = this.#planner.plan(resource, memory);
      if (spec.suspend) return this.#suspend(resource, memory);
      if (this.#options.clock.now() < memory.waitUntil) return this.#wakeAt(key, memory.waitUntil);
      if (this.#restsOnStatus(resource, memory, spec)) return;
      const current = await this.#targets.look(resource, memory, spec);
      fetched = this.#answer(resource, memory, current);
      const { source } = memory;
      if (!fetched || !source) return;
      const desired = await this.#resolve(resource, source, spec, fetched);
      if (this.#targets.isOldLook(memory)) {
        memory.lookFirst = true;
        return this.reconcile(key);
      }
      const written = await this.#targets.write(resource, memory, spec, desired, current);
      if (typeof written === 'object') return this.#wakeAt(key, written.waitUntil);
      await this.#targets.removeFormer(resource, memory, spec.target.name);
      this.#wakeAt(key, this.#nextMoment(memory, desired));
      source.stopLooking(key);
      reporter.synced(resource, memory, desired, written);
    } catch (error) {
      this.#failed(resource, memory, fetched, error);
    }
  }

  /** Lets go of a resource that is gone, or another agent's now. */
  forget(key: string): void {
    const { memories, schedule, statuses } = this.#options;
    const memory = memories.get(key);
    if (!memory) return;
    memories.delete(key);
    this.#planner.leave(memory);
    for (const what of ['wake', 'confirm', 'stale']) schedule.delete(`${what} ${key}`);
    statuses.forget(key);
  }

  #owns(resource: Resource): boolean {
    return this.#options.ownership.owns(resource.namespace, resource.status.node ?? '');
  }

  /** Asked once more right before a write: what came before it took its time. */
  #mayWrite({ key, uid }: Resource): boolean {
    const now = this.#options.resources.get(key);
    return now !== undefined && now.uid === uid && !now.deleting && this.#owns(now);
  }

  #recall(resource: Resource): Memory {
    const { memories } = this.#options;
    const known = memories.get(resource.key);
    if (known?.uid === resource.uid) return known;
    this.forget(resource.key);
    const memory = createMemory(resource);
    memories.set(resource.key, memory);
    return memory;
  }

  #suspend(resource: Resource, memory: Memory): void {
    this.#planner.leave(memory);
    memory.spec = undefined;
    memory.applied = undefined;
    for (const what of ['wake', 'confirm', 'stale']) this.#options.schedule.delete(`${what} ${memory.key}`);
    this.#options.reporter.suspended(resource, memory);
  }

  /** With `refreshInterval: 0s` a restart asks nothing while the status proves the Secret right. */
  #restsOnStatus(resource: Resource, memory: Memory, spec: Spec): boolean {
    if (spec.refreshIntervalMs !== 0 || memory.applied || memory.forcedAt !== undefined) return false;
    const { node, failure } = resource.status;
    return node === this.#options.node && !failure && isProven(resource, this.#targets.seen(resource, spec));
  }

  /** The answer to work from; `undefined` while one that is new enough is awaited. */
  #answer(resource: Resource, memory: Memory, current: SecretMeta | undefined): Fetched | undefined {
    const { clock, quietMs, metrics, reporter, schedule, enqueue } = this.#options;
    const { source, forcedAt } = memory;
    if (!source) return undefined;
    const fetched = source.answer();
    if (fetched && fetched.begunAt >= memory.needAfter) {
      metrics.safeCacheLookups.inc({ result: source.failure ? 'stale' : 'fresh' });
      endForced(memory);
      return fetched;
    }
    metrics.safeCacheLookups.inc({ result: 'miss' });
    const { failure } = source;
    const ended = forcedAt !== undefined && failure !== undefined && failure.attemptedAt >= forcedAt;
    if (ended) endForced(memory);
    source.need(memory.key, memory.needAfter, memory.forcedAt !== undefined);
    if (!failure) return undefined;
    const staleAt = reporter.staleAt(memory);
    if (staleAt !== undefined && staleAt > clock.now())
      schedule.set(`stale ${memory.key}`, staleAt, () => enqueue(memory.key, false));
    const right =
      isReady(memory.status) &&
      memory.status.observedGeneration === resource.generation &&
      (memory.applied !== undefined || isProven(resource, current));
    if (ended || !right || clock.now() - failure.since >= quietMs) throw safeFailure(source);
    return undefined;
  }

  async #resolve(resource: Resource, source: SafeSource, spec: Spec, fetched: Fetched): Promise<Desired> {
    const { clock, inTurns } = this.#options;
    const { namespace, key } = resource;
    const { grants, scope } = source.endpoint;
    const pieces = resolve(spec, { answer: fetched.answer, namespace, grants, scope, now: clock.wall() });
    const desired = await inTurns(namespace, pieces);
    source.use(key, desired.used);
    return desired;
  }

  #failed(resource: Resource, memory: Memory, fetched: Fetched | undefined, error: unknown): void {
    const { clock, metrics, reporter } = this.#options;
    const now = clock.now();
    if (error instanceof NamespaceTerminating) return this.#abandon(memory);
    if (error instanceof Conflict) {
      metrics.secretWrites.inc({ result: 'conflict' });
      memory.lookFirst = true;
      memory.needAfter = now;
      throw error;
    }
    if (!(error instanceof Failure)) throw error;
    const failure = error.within({
      namespace: resource.namespace,
      name: resource.name,
      target: memory.spec?.target.name,
    });
    const missing = MISSING.has(failure.code);
    if (missing && memory.source && fetched && fetched.begunAt < memory.seenAt) {
      // The answer is older than the question: ask once more before anything is said to be missing.
      memory.needAfter = memory.seenAt;
      if (!memory.source.failure) return memory.source.need(memory.key, memory.needAfter, false);
    }
    if (!isOutside(failure.code) && failure.code !== 'ApiUnavailable') endForced(memory);
    if (failure.stage === 'resolve') memory.source?.useAny(memory.key);
    if (missing) memory.source?.lookFor(memory.key);
    else memory.source?.stopLooking(memory.key);
    this.#pace(memory, failure, now);
    reporter.failed(resource, memory, failure);
    if (failure.code === 'ApiUnavailable') throw failure;
  }

  /** When a resource that failed is looked at again by itself, besides its interval and its changes. */
  #pace(memory: Memory, failure: Failure, now: number): void {
    const forbidden = failure.code === 'WriteForbidden' ? now + FORBIDDEN_RETRY_MS : undefined;
    if (!isOutside(failure.code)) this.#wakeAt(memory.key, this.#dated(failure.wakeAt) ?? forbidden);
    if (failure.stage !== 'write') return;
    memory.lookFirst = true;
    if (failure.code !== 'ApiUnavailable') return;
    if (failure.retryAfterMs !== undefined) memory.waitUntil = now + failure.retryAfterMs;
    // No answer: the write may have been made, and another agent's after it.
    else memory.needAfter = now;
  }

  /** When a resource that is right is looked at again because of a date. */
  #nextMoment(memory: Memory, desired: Desired): number | undefined {
    const moments = [this.#dated(desired.wakeAt), this.#options.reporter.staleAt(memory)].filter(
      (at) => at !== undefined && at > this.#options.clock.now(),
    );
    return moments.length > 0 ? Math.min(...(moments as number[])) : undefined;
  }

  /** A date of the wall clock on the clock that timers go by. */
  #dated(at: number | undefined): number | undefined {
    const { clock } = this.#options;
    return at === undefined ? undefined : clock.now() + at - clock.wall();
  }

  #wakeAt(key: string, at: number | undefined): void {
    const { schedule, enqueue } = this.#options;
    if (at === undefined) schedule.delete(`wake ${key}`);
    else schedule.set(`wake ${key}`, at, () => enqueue(key, false));
  }

  /** Of a namespace that is being deleted nothing comes back: the resource stays known, to be left alone. */
  #abandon(memory: Memory): void {
    this.forget(memory.key);
    memory.terminating = true;
    this.#options.memories.set(memory.key, memory);
  }
}

/** An attempt after the wish for a refresh has ended. */
function endForced(memory: Memory): void {
  if (memory.forcedAt === undefined) return;
  memory.forcedAt = undefined;
  memory.handledRefresh = memory.refresh;
}
