import { Failure, hintFor, REASONS, type Code } from '../api/reasons.ts';
import { parseSpec } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Fetched } from './answer.ts';
import type { Claims } from './claims.ts';
import type { Desired } from './desired.ts';
import type { EventSink, Regarding } from './events.ts';
import type { RefreshGroups } from './groups.ts';
import { toleranceOf } from './groups.ts';
import { createMemory, type Memory } from './memory.ts';
import type { Grants } from './grants.ts';
import { resolve } from './refs.ts';
import type { Resource, SecretMeta } from './resource.ts';
import type { Schedule } from './schedule.ts';
import { Conflict, driftOf, isOurs, NamespaceTerminating, printOf, type Known, type SecretWriter, type Written } from './secret.ts';
import type { SafeSource } from './source.ts';
import type { Sources } from './sources.ts';
import type { StatusWriter } from './status-writer.ts';
import { nextStatus, sameInSubstance } from './status.ts';

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
  claims: Claims;
  ownership: Ownership;
  /** The Safe that a resource names; `undefined` if the operator has not allowed it. */
  endpoint: (url: string | undefined) => { url: string; dial: string } | undefined;
  grants: Grants;
  sources: Sources;
  groups: RefreshGroups;
  writer: SecretWriter;
  statuses: StatusWriter;
  events: EventSink;
  schedule: Schedule;
  /** Has a resource looked at soon. */
  enqueue: (key: string, urgent: boolean) => void;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

/** Failures that may go when somebody registers something in Safe. */
const MISSING: ReadonlySet<Code> = new Set<Code>(['UnnamedSecret', 'NotGranted', 'RefNotFound', 'RefIsNull']);
/** A write that was forbidden is tried again after this long, however long the interval. */
const FORBIDDEN_RETRY_MS = 300_000;
/** Repairs of one Secret in a row that are made at once; from then on they wait longer each time. */
const FREE_REPAIRS = 3;
/** How long the watch may take to show a Secret that was written. */
const CONFIRM_MS = 60_000;

/**
 * Level-based: a look at a resource reads what is there now, in the API server's stores and in Safe's last
 * answer, and makes the Secret match. It never waits for Safe; a resource that needs a newer answer is
 * woken by its source.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #memories = new Map<string, Memory>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /**
   * One look at the resource `namespace/name`. Resolves also for failures that wait for a change.
   * @throws Conflict, or Failure `ApiUnavailable`: to be tried again soon
   */
  async reconcile(key: string): Promise<void> {
    const resource = this.#options.resources.get(key);
    if (!resource || resource.deleting || !this.#owns(resource)) return this.forget(key);
    const memory = this.#recall(resource);
    let fetched: Fetched | undefined;
    try {
      this.#plan(resource, memory);
      if (this.#restsOnStatus(resource, memory)) return;
      this.#observe(resource, memory);
      fetched = this.#answer(memory);
      if (!fetched) return;
      const { desired, repairAt } = this.#resolve(resource, memory, fetched);
      if (repairAt !== undefined) return this.#wakeAt(key, repairAt);
      const written = await this.#write(resource, memory, desired);
      this.#succeeded(resource, memory, desired, written);
    } catch (error) {
      this.#failed(resource, memory, fetched, error);
    }
  }

  /** Lets go of a resource that is gone, or another agent's now. */
  forget(key: string): void {
    const memory = this.#memories.get(key);
    if (!memory) return;
    this.#memories.delete(key);
    this.#leaveSource(memory);
    this.#options.schedule.delete(wakeId(key));
    this.#options.schedule.delete(`confirm ${key}`);
    this.#options.statuses.forget(key);
  }

  /** Resources that this agent serves now. */
  memories(): ReadonlyMap<string, Memory> {
    return this.#memories;
  }

  /** The watch saw a Secret appear, change or go (`now` undefined). */
  secretChanged(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    const seen = now ?? before;
    if (!seen) return;
    for (const key of this.#options.claims.of(seen.key)) {
      const memory = this.#memories.get(key);
      if (!memory) continue;
      const applied = memory.applied;
      if (!now && applied?.name === seen.name && applied.uid === seen.uid) memory.lookFirst = true;
      if (!now || now.resourceVersion !== applied?.resourceVersion) this.#options.enqueue(key, false);
    }
  }

  /** Somebody else wrote the status of a resource that this agent serves. */
  statusChanged(now: Resource): void {
    const memory = this.#memories.get(now.key);
    if (!memory || now.status.node === this.#options.node) return;
    memory.status = now.status;
    this.#options.enqueue(now.key, false);
  }

  /** A group of resources is due: those that failed by themselves are tried again. */
  due(members: ReadonlySet<string>): void {
    for (const key of members) if (this.#memories.get(key)?.failure) this.#options.enqueue(key, false);
  }

  /** Safe began to fail or recovered: statuses that tell of it, or should, follow. */
  sourceChanged(source: SafeSource): void {
    const { schedule, clock, quietMs } = this.#options;
    const id = `quiet ${source.dial}`;
    if (!source.failure) {
      schedule.delete(id);
      for (const key of source.members) {
        const code = this.#memories.get(key)?.status.failure?.code;
        if (code && isOutside(code)) this.#options.enqueue(key, false);
      }
    } else {
      const at = Math.max(clock.now(), source.failure.since + quietMs);
      schedule.set(id, at, () => {
        for (const key of source.members) this.#options.enqueue(key, false);
      });
    }
  }

  #owns(resource: Resource): boolean {
    return this.#options.ownership.owns(resource.namespace, resource.status.node ?? '');
  }

  #recall(resource: Resource): Memory {
    let memory = this.#memories.get(resource.key);
    if (memory && memory.uid !== resource.uid) {
      this.forget(resource.key);
      memory = undefined;
    }
    if (!memory) {
      memory = createMemory(resource);
      memory.refresh = resource.status.handledRefresh ?? '';
      this.#memories.set(resource.key, memory);
    }
    return memory;
  }

  /** Parses what is declared, once per generation, and joins the Safe and the refresh group it names. */
  #plan(resource: Resource, memory: Memory): void {
    const { clock, endpoint, sources, groups, claims } = this.#options;
    const now = clock.now();
    if (memory.generation !== resource.generation) {
      memory.generation = resource.generation;
      memory.spec = undefined;
      memory.seenAt = now;
    }
    if (!memory.spec) {
      const context = { namespace: resource.namespace, name: resource.name };
      try {
        const spec = parseSpec({ metadata: { name: resource.name }, spec: resource.spec });
        const safe = endpoint(spec.safeURL);
        if (!safe) {
          throw new Failure('SafeNotAllowed', 'spec.vsecmSafeURL names a Safe that the agents are not allowed to ask', { context });
        }
        if (memory.source?.dial !== safe.dial) {
          this.#leaveSource(memory);
          memory.source = sources.join(resource.key, safe);
        }
        groups.join(resource.key, safe.dial, spec.refreshIntervalMs);
        memory.spec = spec;
        // A Secret that exists is only ever written from an answer begun after this agent began to care:
        // whoever wrote it may have seen a newer one than the one in memory.
        const target = this.#options.secrets.get(`${resource.namespace}/${spec.target.name}`);
        const wanted = target && !memory.applied ? now : now - toleranceOf(spec.refreshIntervalMs);
        memory.needAfter = Math.max(memory.needAfter, wanted);
      } catch (error) {
        this.#leaveSource(memory);
        throw error;
      }
    }
    if (resource.refresh !== memory.refresh) {
      memory.refresh = resource.refresh;
      memory.forcedAt = now;
      memory.needAfter = now;
    }
    const holder = claims.holder(`${resource.namespace}/${memory.spec.target.name}`);
    if (holder && holder.key !== resource.key) {
      throw new Failure('TargetConflict', `Secret ${memory.spec.target.name} is the target of the older VSecMSecret ${holder.name}`, {
        context: { namespace: resource.namespace, name: resource.name, target: memory.spec.target.name },
      });
    }
  }

  /** With `refreshInterval: 0s` a restart asks nothing while the status proves the Secret right. */
  #restsOnStatus(resource: Resource, memory: Memory): boolean {
    if (memory.spec?.refreshIntervalMs !== 0 || memory.applied || memory.forcedAt !== undefined) return false;
    const seen = this.#seen(resource, memory);
    if (!seen || !provenByStatus(resource, seen)) return false;
    memory.source?.use(memory.key, []);
    return resource.status.node === this.#options.node;
  }

  #seen(resource: Resource, memory: Memory): SecretMeta | undefined {
    return memory.spec && this.#options.secrets.get(`${resource.namespace}/${memory.spec.target.name}`);
  }

  /** What another agent wrote may only be written over from an answer begun after that was seen. */
  #observe(resource: Resource, memory: Memory): void {
    const { applied } = memory;
    const seen = this.#seen(resource, memory);
    if (!applied || !seen || driftOf(applied, seen, memory.lookFirst) !== 'agent' || memory.inspected === seen.resourceVersion) return;
    memory.inspected = seen.resourceVersion;
    memory.needAfter = this.#options.clock.now();
  }

  /** The answer to work from; `undefined` while one that is new enough is awaited. */
  #answer(memory: Memory): Fetched | undefined {
    const source = memory.source;
    if (!source) return undefined;
    const fetched = source.answer();
    if (fetched && fetched.begunAt >= memory.needAfter) {
      this.#forcedEnded(memory);
      return fetched;
    }
    const forcedAt = memory.forcedAt;
    const failure = source.failure;
    const ended = forcedAt !== undefined && failure !== undefined && failure.attemptedAt >= forcedAt;
    if (ended) this.#forcedEnded(memory);
    source.need(memory.key, memory.needAfter, memory.forcedAt !== undefined);
    if (failure && (ended || memory.applied === undefined)) throw this.failureOf(source);
    return undefined;
  }

  #forcedEnded(memory: Memory): void {
    if (memory.forcedAt === undefined) return;
    memory.forcedAt = undefined;
    memory.handledRefresh = memory.refresh;
  }

  /** The failure of a Safe, as resources and Events tell it. */
  failureOf(source: SafeSource): Failure {
    const code = source.failure?.code ?? 'SafeError';
    const message = `${REASONS[code].meaning.replace(/\.$/, '')} (${source.url})`;
    return new Failure(code, message, { context: { safeURL: source.url } });
  }

  #resolve(resource: Resource, memory: Memory, fetched: Fetched): { desired: Desired; repairAt?: number } {
    const { clock, grants } = this.#options;
    if (!memory.spec) throw new Error('resolved without a spec');
    const desired = resolve(memory.spec, {
      answer: fetched.answer,
      namespace: resource.namespace,
      grants,
      now: clock.now(),
    });
    this.#warnOfGrants(resource, memory, desired.notGranted);
    memory.source?.use(memory.key, desired.used);
    const repairAt = this.#repairAt(resource, memory);
    return repairAt === undefined ? { desired } : { desired, repairAt };
  }

  /** Two writers that undo each other must not do so at full speed. */
  #repairAt(resource: Resource, memory: Memory): number | undefined {
    if (!memory.applied || driftOf(memory.applied, this.#seen(resource, memory), memory.lookFirst) === 'none') return undefined;
    if (memory.repairs < FREE_REPAIRS) return undefined;
    const at = memory.repairedAt + Math.min(300_000, 1000 * 2 ** (memory.repairs - FREE_REPAIRS));
    return at > this.#options.clock.now() ? at : undefined;
  }

  /** Applies the Secret unless it is as it should be; returns whether something was written. */
  async #write(resource: Resource, memory: Memory, desired: Desired): Promise<Written['result']> {
    const { writer, secrets, metrics, clock } = this.#options;
    const target = memory.spec?.target.name ?? resource.name;
    const seen = secrets.get(`${resource.namespace}/${target}`);
    const print = printOf(desired);
    const applied = memory.applied?.name === target ? memory.applied : undefined;

    if (!applied && !memory.lookFirst && seen && provenByStatus(resource, seen) && resource.status.sourceUpdated === desired.sourceUpdated && desired.sourceUpdated !== '') {
      memory.applied = { ...known(seen), name: target, appliedAt: seen.appliedAt, print };
      return 'unchanged';
    }
    const drift = applied ? driftOf(applied, seen, memory.lookFirst) : undefined;
    if (applied && drift === 'none' && applied.print === print) return 'unchanged';

    let over: Known | undefined;
    if (memory.lookFirst) over = undefined;
    else if (drift === 'none') over = applied;
    else if (seen && isOurs(seen, resource)) over = seen;
    const { meta, result } = await writer.write(resource, target, desired, over, () => this.#owns(resource));
    memory.applied = { ...known(meta), name: target, appliedAt: meta.appliedAt, print };
    memory.lookFirst = false;
    memory.inspected = undefined;
    if (drift === 'foreign' || drift === 'agent') {
      memory.repairs = clock.now() - memory.repairedAt < 60_000 ? memory.repairs + 1 : 1;
      memory.repairedAt = clock.now();
    }
    const former = resource.status.secret?.name;
    if (former !== undefined && former !== target) await writer.removeFormer(resource, former);
    metrics.secretWrites.inc({ result });
    if (!seen) this.#confirmLater(memory, target);
    return result;
  }

  /** A Secret that was written and is gone before the watch showed it leaves no event behind. */
  #confirmLater(memory: Memory, target: string): void {
    const { schedule, clock, secrets, enqueue } = this.#options;
    schedule.set(`confirm ${memory.key}`, clock.now() + CONFIRM_MS, () => {
      if (memory.applied?.name !== target || secrets.get(`${memory.key.slice(0, memory.key.indexOf('/'))}/${target}`)) return;
      memory.lookFirst = true;
      enqueue(memory.key, false);
    });
  }

  #warnOfGrants(resource: Resource, memory: Memory, notGranted: readonly string[]): void {
    if (notGranted.join('\n') === memory.notGranted.join('\n')) return;
    memory.notGranted = notGranted;
    const { namespace, name } = resource;
    for (const secretName of notGranted) this.#options.log.warn('Secret of Safe used without a grant', { namespace, name, secretName });
  }

  #succeeded(resource: Resource, memory: Memory, desired: Desired, written: Written['result']): void {
    const { node, clock, log, metrics, events, source } = { ...this.#options, source: memory.source };
    const ended = memory.failure;
    memory.failure = undefined;
    source?.stopLooking(memory.key);
    this.#wakeAt(memory.key, desired.wakeAt);
    metrics.reconciles.inc({ code: 'Synced' });
    const applied = memory.applied;
    if (!applied) throw new Error('synced without a Secret');
    const { namespace, name } = resource;
    if (written !== 'unchanged') {
      log.info('Secret written', { namespace, name, secret: applied.name, created: written === 'created' });
    }
    if (ended && !isOutside(ended.code)) {
      log.info('VSecMSecret recovered', { namespace, name, code: ended.code });
      events.publish(regarding(resource), 'Normal', 'Recovered', `Secret ${applied.name} is as declared again`);
    } else if (written === 'created' && !memory.status.secret) {
      events.publish(regarding(resource), 'Normal', 'Synced', `Secret ${applied.name} was created`);
    }
    const failing = source?.failure && clock.now() - source.failure.since >= this.#options.quietMs ? this.failureOf(source) : undefined;
    this.#submit(resource, memory, ended !== undefined, {
      generation: resource.generation,
      node,
      now: clock.now(),
      secret: { name: applied.name, resourceVersion: applied.resourceVersion },
      written: written !== 'unchanged',
      sourceUpdated: desired.sourceUpdated,
      ...(failing && { failure: failing }),
    });
  }

  #failed(resource: Resource, memory: Memory, fetched: Fetched | undefined, error: unknown): void {
    const { clock, metrics, log, events, node } = this.#options;
    if (error instanceof NamespaceTerminating) return this.forget(memory.key);
    if (error instanceof Conflict) {
      metrics.secretWrites.inc({ result: 'conflict' });
      memory.applied = undefined;
      memory.lookFirst = true;
      memory.needAfter = clock.now();
      throw error;
    }
    if (!(error instanceof Failure)) throw error;
    const failure = error.within({ namespace: resource.namespace, name: resource.name, target: memory.spec?.target.name });
    const missing = MISSING.has(failure.code);
    if (missing && memory.source && fetched && fetched.begunAt < memory.seenAt) {
      // The answer is older than the question: ask once more before anything is said to be missing.
      memory.needAfter = memory.seenAt;
      if (!memory.source.failure) return memory.source.need(memory.key, memory.needAfter, false);
    }
    if (failure.stage === 'resolve') memory.source?.useAny(memory.key);
    if (missing) memory.source?.lookFor(memory.key);
    else memory.source?.stopLooking(memory.key);
    this.#pace(resource, memory, failure);
    metrics.reconciles.inc({ code: failure.code });

    const before = memory.failure;
    memory.failure = failure;
    if (before?.code !== failure.code || before.message !== failure.message) {
      const outside = isOutside(failure.code);
      if (!outside) {
        log.warn('VSecMSecret fails', {
          namespace: resource.namespace,
          name: resource.name,
          stage: failure.stage,
          code: failure.code,
          ...(failure.reason !== undefined && { cause: failure.reason }),
          hint: hintFor(failure.code, failure.context),
        });
        events.failed(regarding(resource), failure);
      }
    }
    this.#submit(resource, memory, true, { generation: resource.generation, node, now: clock.now(), failure });
    if (failure.code === 'ApiUnavailable') throw failure;
  }

  /** When a resource that failed is looked at again by itself, besides its interval and its changes. */
  #pace(resource: Resource, memory: Memory, failure: Failure): void {
    const now = this.#options.clock.now();
    if (failure.wakeAt !== undefined) this.#wakeAt(resource.key, failure.wakeAt);
    else if (failure.code === 'WriteForbidden') this.#wakeAt(resource.key, now + FORBIDDEN_RETRY_MS);
    else this.#wakeAt(resource.key, undefined);
    if (failure.stage !== 'write') return;
    memory.lookFirst = true;
    // No answer: the write may have been made, and another agent's after it.
    if (failure.code === 'ApiUnavailable' && failure.retryAfterMs === undefined) memory.needAfter = now;
  }

  #submit(resource: Resource, memory: Memory, urgent: boolean, outcome: Parameters<typeof nextStatus>[1]): void {
    const handled = memory.handledRefresh;
    const next = nextStatus(memory.status, { ...outcome, ...(handled !== undefined && { handledRefresh: handled }) });
    if (sameInSubstance(memory.status, next)) return;
    const firstReady = !memory.status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
    const answered = handled !== undefined && memory.status.handledRefresh !== handled;
    memory.status = next;
    this.#options.statuses.submit(resource, next, urgent || firstReady || answered);
  }

  #wakeAt(key: string, at: number | undefined): void {
    if (at === undefined) this.#options.schedule.delete(wakeId(key));
    else this.#options.schedule.set(wakeId(key), at, () => this.#options.enqueue(key, false));
  }

  #leaveSource(memory: Memory): void {
    this.#options.groups.leave(memory.key);
    if (memory.source) this.#options.sources.leave(memory.key, memory.source);
    memory.source = undefined;
  }
}

const wakeId = (key: string): string => `wake ${key}`;

const isOutside = (code: Code): boolean => ['identity', 'connect', 'fetch'].includes(REASONS[code].stage);

const known = (meta: SecretMeta): Known => ({ uid: meta.uid, resourceVersion: meta.resourceVersion, createdByAgent: meta.createdByAgent });

/** Whether the status says that the Secret, as it stands now, is what the resource's generation asks for. */
function provenByStatus(resource: Resource, seen: SecretMeta): boolean {
  const { status } = resource;
  return (
    status.observedGeneration === resource.generation &&
    status.secret?.name === seen.name &&
    status.secret.resourceVersion === seen.resourceVersion &&
    (status.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True')
  );
}

const regarding = (resource: Resource): Regarding => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  namespace: resource.namespace,
  name: resource.name,
  uid: resource.uid,
  resourceVersion: resource.resourceVersion,
});
