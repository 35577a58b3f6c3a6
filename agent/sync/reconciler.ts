import { Failure, isOutside, type Code } from '../api/reasons.ts';
import { parseSpec, type Spec } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import type { Fetched } from './answer.ts';
import { appliedFrom, driftOf, printOf } from './applied.ts';
import type { Claims } from './claims.ts';
import type { Desired } from './desired.ts';
import type { Grants } from './grants.ts';
import { toleranceOf, type RefreshGroups } from './groups.ts';
import { createMemory, type Memory } from './memory.ts';
import { resolve } from './refs.ts';
import { safeFailure, type Reporter } from './reporter.ts';
import { isOlderVersion, type Resource, type SecretMeta } from './resource.ts';
import type { Schedule } from './schedule.ts';
import { Conflict, NamespaceTerminating, targetConflict } from './secret-api.ts';
import { isOurs, type SecretWriter, type Written } from './secret-writer.ts';
import type { Sources } from './sources.ts';
import type { StatusWriter } from './status-writer.ts';
import { isReady } from './status.ts';

/** A store that a watch keeps up to date. */
export interface Store<T> {
  get(key: string): T | undefined;
}

/** Which agent serves a namespace. */
export interface Ownership {
  /** `lastNode`: the node in the resource's status, `''` if none. */
  owns(namespace: string, lastNode: string): boolean;
}

export interface ReconcilerOptions {
  node: string;
  resources: Store<Resource>;
  secrets: Store<SecretMeta>;
  memories: Map<string, Memory>;
  claims: Claims;
  ownership: Ownership;
  /** The Safe that a resource names; `undefined` if the operator has not allowed it. */
  endpoint: (url: string | undefined) => { url: string; dial: string } | undefined;
  grants: Grants;
  sources: Sources;
  groups: RefreshGroups;
  writer: SecretWriter;
  reporter: Reporter;
  statuses: StatusWriter;
  schedule: Schedule;
  /** Has a resource looked at soon. */
  enqueue: (key: string, urgent: boolean) => void;
  clock: Clock;
  metrics: Metrics;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

/** Failures that may go when somebody registers something in Safe. */
const MISSING: ReadonlySet<Code> = new Set<Code>([
  'UnnamedSecret',
  'NotGranted',
  'RefNotFound',
  'RefIsNull',
  'RefInvalid',
]);
/** A write that was forbidden is tried again after this long, however long the interval. */
const FORBIDDEN_RETRY_MS = 300_000;
/** Repairs of one Secret in a row that are made at once; from then on they wait longer each time. */
const FREE_REPAIRS = 3;
/** How long the watch of resources may lag behind the one of Secrets. */
const ORPHANING_MS = 2_000;
/** How old a look at a target may be when it decides about a write. */
const LOOK_MS = 5_000;
/** How long the watch may take to show a Secret that was written. */
const CONFIRM_MS = 60_000;

/**
 * Level-based: a look at a resource reads what is there now, in the API server's stores and in Safe's last
 * answer, and makes the Secret match. It never waits for Safe; a resource that needs a newer answer is
 * woken by its source.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
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
      const spec = this.#plan(resource, memory);
      if (spec.suspend) return this.#suspend(resource, memory);
      if (this.#options.clock.now() < memory.waitUntil) return this.#wakeAt(key, memory.waitUntil);
      if (this.#restsOnStatus(resource, memory, spec)) return;
      const current = await this.#look(resource, memory, spec);
      fetched = this.#answer(resource, memory, current);
      if (!fetched) return;
      const desired = this.#resolve(resource, memory, spec, fetched);
      if (this.#isOldLook(memory)) {
        memory.lookFirst = true;
        return this.reconcile(key);
      }
      const written = await this.#write(resource, memory, spec, desired, current);
      if (!written) return;
      await this.#removeFormer(resource, memory, spec.target.name);
      this.#wakeAt(key, this.#nextMoment(memory, desired));
      memory.source?.stopLooking(key);
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
    this.#leave(memory);
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

  /** What is declared, parsed once per generation, with the Safe and the refresh group that it names. */
  #plan(resource: Resource, memory: Memory): Spec {
    const { clock, claims } = this.#options;
    const now = clock.now();
    if (resource.refresh !== memory.refresh) {
      memory.refresh = resource.refresh;
      memory.forcedAt = now;
      memory.needAfter = now;
    }
    if (memory.generation !== resource.generation) {
      memory.generation = resource.generation;
      memory.seenAt = now;
      this.#parse(resource, memory);
    }
    const spec = memory.spec ?? this.#parse(resource, memory);
    const holder = claims.holder(`${resource.namespace}/${spec.target.name}`);
    if (holder && holder.key !== resource.key) {
      throw new Failure(
        'TargetConflict',
        `Secret ${spec.target.name} is the target of the older VSecMSecret ${holder.name}`,
      );
    }
    return spec;
  }

  #parse(resource: Resource, memory: Memory): Spec {
    const { endpoint, sources, groups, clock } = this.#options;
    memory.spec = undefined;
    try {
      const spec = parseSpec({ metadata: { name: resource.name }, spec: resource.spec });
      const safe = endpoint(spec.safeURL);
      if (!safe)
        throw new Failure(
          'SafeNotAllowed',
          'spec.vsecmSafeURL names a Safe that the agents are not allowed to ask',
        );
      if (memory.source?.dial !== safe.dial) {
        this.#leave(memory);
        memory.source = sources.join(resource.key, safe);
      }
      groups.join(resource.key, safe.dial, spec.suspend ? 0 : spec.refreshIntervalMs);
      memory.needAfter = Math.max(memory.needAfter, clock.now() - toleranceOf(spec.refreshIntervalMs));
      memory.spec = spec;
      return spec;
    } catch (error) {
      this.#leave(memory);
      throw error;
    }
  }

  #suspend(resource: Resource, memory: Memory): void {
    this.#leave(memory);
    memory.spec = undefined;
    memory.applied = undefined;
    for (const what of ['wake', 'confirm', 'stale']) this.#options.schedule.delete(`${what} ${memory.key}`);
    this.#options.reporter.suspended(resource, memory);
  }

  /** With `refreshInterval: 0s` a restart asks nothing while the status proves the Secret right. */
  #restsOnStatus(resource: Resource, memory: Memory, spec: Spec): boolean {
    if (spec.refreshIntervalMs !== 0 || memory.applied || memory.forcedAt !== undefined) return false;
    const { node, failure } = resource.status;
    return node === this.#options.node && !failure && isProven(resource, this.#seen(resource, spec));
  }

  #seen(resource: Resource, spec: Spec): SecretMeta | undefined {
    return this.#options.secrets.get(`${resource.namespace}/${spec.target.name}`);
  }

  /**
   * The target as it stands: as the watch shows it, or looked up where the watch cannot tell. What another
   * agent wrote is only written over from an answer begun after that was seen.
   */
  async #look(resource: Resource, memory: Memory, spec: Spec): Promise<SecretMeta | undefined> {
    const { writer, clock } = this.#options;
    const { name } = spec.target;
    const seen = this.#seen(resource, spec);
    const applied = memory.applied?.name === name ? memory.applied : undefined;
    if (memory.lookFirst || (!applied && !seen && !memory.looked)) {
      const at = clock.now();
      memory.looked = { meta: await writer.look(resource, name), at };
      memory.lookFirst = false;
    }
    if (!memory.looked && applied && driftOf(applied, seen, false) === 'none') return seen;
    const current = memory.looked ? newest(seen, memory.looked) : seen;
    const byOther =
      current && (applied ? driftOf(applied, current, false) === 'agent' : current.appliedAt !== undefined);
    if (byOther && memory.inspected !== current.resourceVersion) {
      memory.inspected = current.resourceVersion;
      memory.needAfter = Math.max(memory.needAfter, current.seenAt);
    }
    return current;
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

  #resolve(resource: Resource, memory: Memory, spec: Spec, fetched: Fetched): Desired {
    const { clock, grants } = this.#options;
    const desired = resolve(spec, {
      answer: fetched.answer,
      namespace: resource.namespace,
      grants,
      now: clock.wall(),
    });
    memory.source?.use(memory.key, desired.used);
    return desired;
  }

  /** Applies the Secret unless it is as it should be; `undefined` if that has to wait. */
  async #write(
    resource: Resource,
    memory: Memory,
    { target }: Spec,
    desired: Desired,
    current: SecretMeta | undefined,
  ): Promise<Written['result'] | undefined> {
    const { writer, metrics, clock } = this.#options;
    const print = printOf(desired, target);
    const applied = memory.applied?.name === target.name ? memory.applied : undefined;
    if (
      !applied &&
      current &&
      isProven(resource, current) &&
      desired.sourceUpdated !== '' &&
      resource.status.sourceUpdated === desired.sourceUpdated
    ) {
      memory.applied = appliedFrom(current, print);
      memory.looked = undefined;
      return 'unchanged';
    }
    const drift = applied ? driftOf(applied, current, memory.looked !== undefined) : 'none';
    if (applied && drift === 'none' && applied.print === print) {
      memory.looked = undefined;
      return 'unchanged';
    }
    if (drift !== 'none' && this.#tooSoon(resource, memory, target, current)) return undefined;
    const strayed = current !== undefined && writer.hasStrayed(current);
    if (current && (strayed || !isOurs(current, resource)) && !current.adoptable) {
      if (strayed) await writer.giveBack(resource, current);
      throw targetConflict(target.name, {
        namespace: resource.namespace,
        name: resource.name,
        target: target.name,
      });
    }
    const over = applied && drift === 'none' ? applied : current;
    const { meta, result } = await writer.write({
      resource,
      target,
      desired,
      over,
      mayWrite: () => this.#mayWrite(resource),
    });
    memory.applied = appliedFrom(meta, print);
    memory.looked = undefined;
    memory.inspected = undefined;
    if (drift !== 'none') {
      const inARow = clock.now() < memory.repairedAt + waitAfter(memory.repairs) + 60_000;
      memory.repairs = inARow ? memory.repairs + 1 : 1;
      memory.repairedAt = clock.now();
    }
    metrics.secretWrites.inc({ result });
    this.#confirmLater(resource, memory, target.name);
    return result;
  }

  /** Whether the target was looked up so long ago, while an answer was awaited, that it may be another now. */
  #isOldLook({ looked }: Memory): boolean {
    return looked !== undefined && this.#options.clock.now() - looked.at > LOOK_MS;
  }

  /** Of a target that was renamed the Secret made before goes; status names it until that has worked. */
  async #removeFormer(resource: Resource, memory: Memory, target: string): Promise<void> {
    const former = memory.status.secret?.name;
    if (former !== undefined && former !== target) await this.#options.writer.removeFormer(resource, former);
  }

  /** Whether a repair has to wait; the resource is then looked at again in time. */
  #tooSoon(
    resource: Resource,
    memory: Memory,
    target: Spec['target'],
    current: SecretMeta | undefined,
  ): boolean {
    // Two writers that undo each other must not do so at full speed.
    const paced = memory.repairedAt + waitAfter(memory.repairs);
    // A deletion that orphans strips the owner from the Secret first, and the watch may show the Secret
    // before the resource: an owner put back then makes the garbage collector delete it.
    const stripped =
      target.creationPolicy === 'Owner' && current !== undefined && !current.ownerUids.includes(resource.uid);
    const at = Math.max(paced, stripped ? current.seenAt + ORPHANING_MS : 0);
    if (at <= this.#options.clock.now()) return false;
    this.#wakeAt(memory.key, at);
    return true;
  }

  /** A Secret that was written and is gone before the watch showed it leaves no event behind. */
  #confirmLater(resource: Resource, memory: Memory, target: string): void {
    const { schedule, clock, secrets, enqueue } = this.#options;
    if (secrets.get(`${resource.namespace}/${target}`)) return;
    schedule.set(`confirm ${memory.key}`, clock.now() + CONFIRM_MS, () => {
      if (memory.applied?.name !== target || secrets.get(`${resource.namespace}/${target}`)) return;
      memory.lookFirst = true;
      enqueue(memory.key, false);
    });
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

  #leave(memory: Memory): void {
    this.#options.groups.leave(memory.key);
    if (memory.source) this.#options.sources.leave(memory.key, memory.source);
    memory.source = undefined;
  }
}

/** An attempt after the wish for a refresh has ended. */
function endForced(memory: Memory): void {
  if (memory.forcedAt === undefined) return;
  memory.forcedAt = undefined;
  memory.handledRefresh = memory.refresh;
}

/** How long the next repair waits after so many in a row, milliseconds. */
const waitAfter = (repairs: number): number =>
  repairs < FREE_REPAIRS ? 0 : Math.min(300_000, 1000 * 2 ** (repairs - FREE_REPAIRS));

/** Whether the status says that the Secret, as it stands now, is what the resource's generation asks for. */
function isProven({ status, generation }: Resource, current: SecretMeta | undefined): boolean {
  return (
    current !== undefined &&
    status.observedGeneration === generation &&
    status.secret?.name === current.name &&
    status.secret.resourceVersion === current.resourceVersion &&
    isReady(status)
  );
}

/** Of what the watch shows and what was looked up, the newer. */
function newest(seen: SecretMeta | undefined, looked: NonNullable<Memory['looked']>): SecretMeta | undefined {
  const { meta, at } = looked;
  if (!seen) return meta;
  if (!meta || seen.uid !== meta.uid) return seen.seenAt > at ? seen : meta;
  return isOlderVersion(meta.resourceVersion, seen.resourceVersion) ? seen : meta;
}
