import { Failure } from '../../agent/api/reasons.ts';
import type { VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { Controller } from '../../agent/kube/controller.ts';
import { WorkQueue } from '../../agent/kube/workqueue.ts';
import { createLog } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { SafeCache, type SafeCacheOptions } from '../../agent/safe/cache.ts';
import { AlikeLines } from '../../agent/sync/alike-lines.ts';
import { Claims } from '../../agent/sync/claims.ts';
import { EventSink } from '../../agent/sync/events.ts';
import type { Grants } from '../../agent/resolve/grants.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { RefreshGroups, toleranceOf } from '../../agent/sync/groups.ts';
import type { Memory } from '../../agent/sync/memory.ts';
import { Reconciler } from '../../agent/sync/reconciler.ts';
import { Reporter, safeFailure } from '../../agent/sync/reporter.ts';
import type { Resource, SecretMeta } from '../../agent/sync/resource.ts';
import { Schedule } from '../../agent/sync/schedule.ts';
import { Conflict } from '../../agent/sync/secret-api.ts';
import { SecretWriter } from '../../agent/sync/secret-writer.ts';
import { SOURCE_PACE } from '../../agent/sync/source.ts';
import { Sources } from '../../agent/sync/sources.ts';
import { STATUS_PACE, StatusWriter } from '../../agent/sync/status-writer.ts';
import { Wakeups } from '../../agent/sync/wakeups.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakeSafe } from './fake-safe.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { resourceOf } from './objects.ts';

export const NODE = 'node-1';
export const QUIET_MS = 60_000;

export interface BenchOptions {
  /** What this one left behind is there when the agent begins, as after a restart. */
  after?: Bench;
  node?: string;
  cacheBytes?: number;
  grants?: Grants;
}

/** One agent's duty, wired as the agent wires it, without API server and wire, on a clock that a test moves. */
export class Bench {
  readonly clock: FakeClock;
  readonly safe: FakeSafe;
  readonly secrets: FakeSecrets;
  readonly resources: Map<string, Resource>;
  /** Secrets as the watch shows them: those with the label. */
  readonly watched = new Map<string, SecretMeta>();
  readonly memories = new Map<string, Memory>();
  readonly lines: Record<string, unknown>[] = [];
  readonly events: { reason: string; note: string }[] = [];
  readonly puts: { name: string; status: VSecMSecretStatus; at: number }[] = [];
  /** Keys in the order in which they were looked at. */
  readonly looks: string[] = [];
  readonly sources: Sources;
  readonly schedule: Schedule;
  readonly claims = new Claims();
  readonly wakeups: Wakeups;
  readonly reconciler: Reconciler;
  readonly cache: SafeCache;
  readonly queue: WorkQueue;
  /** Namespaces that another agent owns. */
  readonly elsewhere = new Set<string>();
  readonly #stop = new AbortController();

  constructor({ after, node = NODE, cacheBytes = 1_000_000, grants = 'enforce' }: BenchOptions = {}) {
    const clock = (this.clock = after?.clock ?? new FakeClock());
    this.safe = after?.safe ?? new FakeSafe(clock);
    this.secrets = after?.secrets ?? new FakeSecrets(clock);
    this.resources = after?.resources ?? new Map();
    const log = createLog('debug', {}, { write: (line) => this.lines.push(JSON.parse(line)) });
    const metrics = createMetrics();
    const schedule = (this.schedule = new Schedule({ clock }));
    const queue = (this.queue = new WorkQueue({ clock, metrics, random: Math.random }));
    const enqueue = (key: string, urgent: boolean): void => queue.add(key, { urgent });
    this.cache = new SafeCache({
      client: this.safe as unknown as SafeCacheOptions['client'],
      identityKey: () => 'scout',
      maxBytes: cacheBytes,
      clock,
      metrics,
    });
    const events = new EventSink({
      post: async (_, body) => void this.events.push(body as { reason: string; note: string }),
      clock,
      node,
      pod: 'pod-1',
    });
    this.sources = new Sources({
      reader: this.cache,
      schedule,
      clock,
      log,
      pace: SOURCE_PACE,
      random: Math.random,
      spiffeId: () => 'spiffe://vsecm.com/workload/vsecm-scout',
      wake: (keys, urgent) => {
        for (const key of keys) enqueue(key, urgent);
      },
      onTransition: (source, now, before) => {
        this.wakeups.sourceChanged(source);
        const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'vsecm-agent', name: 'pod-1' };
        if (now) events.failed(pod, safeFailure(source));
        else if (before) events.publish(pod, 'Normal', 'Recovered', 'Safe answers again');
      },
    });
    const statuses = new StatusWriter({
      put: (resource, status) => this.#putStatus(resource, status),
      schedule,
      clock,
      random: Math.random,
      pace: STATUS_PACE,
      onResult: () => {},
    });
    const groups: RefreshGroups = new RefreshGroups({
      node,
      clock,
      schedule,
      onDue: (dial, intervalMs, members) => {
        this.sources.get(dial)?.ask(clock.now() - toleranceOf(intervalMs));
        this.wakeups.due(members);
      },
    });
    const { memories, claims, resources } = this;
    const common = { node, clock, schedule, memories, claims, enqueue, quietMs: QUIET_MS };
    this.wakeups = new Wakeups(common);
    this.reconciler = new Reconciler({
      ...common,
      resources,
      secrets: this.watched,
      ownership: { owns: (namespace) => !this.elsewhere.has(namespace) },
      endpoint: (url = 'https://safe') =>
        url.includes('forbidden')
          ? undefined
          : {
              url,
              dial: `${url}/workload/v1/secrets`,
              grants,
              scope: { as: 'vsecm.com', qualified: false },
            },
      inTurns: (_namespace, work) => Promise.resolve(work).then(atOnce),
      sources: this.sources,
      groups,
      writer: new SecretWriter({ api: this.secrets }),
      reporter: new Reporter({
        node,
        statuses,
        events,
        alike: new AlikeLines({ log, schedule, clock }),
        clock,
        log,
        metrics,
        quietMs: QUIET_MS,
      }),
      statuses,
      metrics,
    });
    const controller = new Controller({
      queue,
      concurrency: 4,
      reconcile: (key) => {
        this.looks.push(key);
        return this.reconciler.reconcile(key);
      },
      isTold: (error) => error instanceof Failure || error instanceof Conflict,
      log,
      clock,
    });
    this.secrets.onChange = (now, before) => this.#secretChanged(now, before);
    for (const meta of this.secrets.all()) this.#secretChanged({ ...meta, seenAt: clock.now() }, undefined);
    for (const resource of resources.values())
      this.wakeups.resourceChanged(resource, undefined, resource.key);
    void controller.run(this.#stop.signal);
  }

  /** The agent ends; what it made stays. */
  stop(): this {
    this.#stop.abort();
    this.schedule.clear();
    this.sources.close();
    this.queue.close();
    return this;
  }

  /** Makes or changes the VSecMSecret `team-a/NAME`; another spec is another generation. */
  put(name: string, change: Partial<Resource> = {}): Resource {
    const key = `${change.namespace ?? 'team-a'}/${name}`;
    const before = this.resources.get(key);
    const generation = (before?.generation ?? 0) + (change.spec === undefined && before ? 0 : 1);
    const now = { ...(before ?? resourceOf({ ...change, name })), generation, ...change };
    this.resources.set(key, now);
    this.wakeups.resourceChanged(now, before, key);
    return now;
  }

  remove(name: string): void {
    const before = this.resources.get(`team-a/${name}`);
    this.resources.delete(`team-a/${name}`);
    this.wakeups.resourceChanged(undefined, before, `team-a/${name}`);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** What the API server has as status. */
  status(name: string): VSecMSecretStatus {
    return this.resources.get(`team-a/${name}`)?.status ?? {};
  }

  said(message: string): number {
    return this.lines.filter(({ msg }) => msg === message).length;
  }

  async #putStatus({ key, name }: Resource, status: VSecMSecretStatus): Promise<boolean> {
    this.puts.push({ name, status, at: this.clock.now() });
    const before = this.resources.get(key);
    if (!before) return false;
    const now = { ...before, status: structuredClone(status) };
    this.resources.set(key, now);
    this.wakeups.resourceChanged(now, before, key);
    return true;
  }

  #secretChanged(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    const seen = now?.managed ? now : undefined;
    const key = (now ?? before)!.key;
    const known = this.watched.get(key);
    if (seen) this.watched.set(key, seen);
    else this.watched.delete(key);
    if (seen || known) this.wakeups.secretChanged(seen, known);
  }
}
