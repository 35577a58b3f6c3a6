import type { Resource } from '../../agent/api/resource.ts';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import type { VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { Controller } from '../../agent/kube/controller.ts';
import { WorkQueue } from '../../agent/kube/workqueue.ts';
import { createLog } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import type { Grants } from '../../agent/resolve/grants.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { SafeCache, type SafeCacheOptions } from '../../agent/safe/cache.ts';
import { Engine, PACE } from '../../agent/sync/engine.ts';
import { FakeClock } from '../fake-clock.ts';
import { WorkloadStand } from '../restart/workload-stand.ts';
import { FakeSafe } from './fake-safe.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { HOURLY, resourceOf, specText, type ResourceChange } from './objects.ts';

export const NODE = 'node-1';
export const QUIET_MS = PACE.quietMs;

export interface BenchOptions {
  /** What this one left behind is there when the agent begins, as after a restart. */
  after?: Bench;
  node?: string;
  cacheBytes?: number;
  grants?: Grants;
  random?: () => number;
}

/** One agent's duty, wired as the agent wires it, without API server and wire, on a clock that a test moves. */
export class Bench {
  readonly clock: FakeClock;
  readonly safe: FakeSafe;
  readonly secrets: FakeSecrets;
  readonly workloads: WorkloadStand;
  readonly resources: Map<string, Resource>;
  /** Secrets as the watch shows them: those with the label. */
  readonly watched = new Map<string, SecretMeta>();
  readonly lines: Record<string, unknown>[] = [];
  readonly events: { reason: string; note: string }[] = [];
  readonly puts: { name: string; status: VSecMSecretStatus; at: number }[] = [];
  /** Keys in the order in which they were reconciled. */
  readonly reconciled: string[] = [];
  readonly engine: Engine;
  readonly cache: SafeCache;
  readonly queue: WorkQueue;
  /** Namespaces that another agent owns. */
  readonly elsewhere = new Set<string>();
  readonly #stop = new AbortController();

  constructor({
    after,
    node = NODE,
    cacheBytes = 1_000_000,
    grants = 'enforce',
    random = Math.random,
  }: BenchOptions = {}) {
    const clock = (this.clock = after?.clock ?? new FakeClock());
    this.safe = after?.safe ?? new FakeSafe(clock);
    this.secrets = after?.secrets ?? new FakeSecrets(clock);
    this.workloads = after?.workloads ?? new WorkloadStand();
    this.resources = after?.resources ?? new Map();
    const log = createLog('debug', {}, { write: (line) => this.lines.push(JSON.parse(line)) });
    const metrics = createMetrics();
    const queue = (this.queue = new WorkQueue({ clock, random, metrics }));
    this.cache = new SafeCache({
      client: this.safe as unknown as SafeCacheOptions['client'],
      identityKey: () => 'scout',
      maxBytes: cacheBytes,
      clock,
      metrics,
    });
    const { resources, watched } = this;
    this.engine = new Engine({
      node,
      pod: 'pod-1',
      podNamespace: 'vsecm-agent',
      endpoint: (url = 'https://safe') =>
        url.includes('forbidden')
          ? undefined
          : {
              url,
              dial: `${url}/workload/v1/secrets`,
              grants,
              scope: { as: 'vsecm.com', qualified: false },
            },
      reader: this.cache,
      spiffeId: () => 'spiffe://vsecm.com/workload/vsecm-scout',
      ownership: { owns: (namespace) => !this.elsewhere.has(namespace) },
      resources,
      secrets: watched,
      api: this.secrets,
      workloads: this.workloads,
      putStatus: (resource, status) => this.#putStatus(resource, status),
      postEvent: async (_, body) => void this.events.push(body as { reason: string; note: string }),
      enqueue: (key, urgent) => queue.add(key, { urgent }),
      inTurns: (_namespace, work) => Promise.resolve(work).then(atOnce),
      clock,
      random,
      log,
      metrics,
      pace: PACE,
    });
    const controller = new Controller({
      queue,
      concurrency: 4,
      reconcile: (key) => {
        this.reconciled.push(key);
        return this.engine.reconciler.reconcile(key);
      },
      log,
      clock,
    });
    this.secrets.onChange = (now, before) => this.#secretChanged(now, before);
    for (const meta of this.secrets.all()) this.#secretChanged({ ...meta, seenAt: clock.now() }, undefined);
    for (const resource of resources.values())
      this.engine.wakeups.resourceChanged(resource, undefined, resource.key);
    void controller.run(this.#stop.signal);
  }

  /** The agent ends; what it made stays. */
  stop(): this {
    this.#stop.abort();
    this.queue.close();
    void this.engine.close();
    return this;
  }

  /** Makes or changes the VSecMSecret `team-a/NAME`; another spec is another generation. */
  put(name: string, change: ResourceChange = {}): Resource {
    const key = `${change.namespace ?? 'team-a'}/${name}`;
    const before = this.resources.get(key);
    const generation = (before?.generation ?? 0) + (change.spec === undefined && before ? 0 : 1);
    const made = resourceOf({ ...change, name, generation });
    const same =
      change.spec === undefined && before ? { spec: before.spec, targetName: before.targetName } : {};
    const now = {
      ...made,
      ...before,
      generation,
      ...change,
      spec: made.spec,
      targetName: made.targetName,
      ...same,
    };
    this.resources.set(key, now);
    this.engine.wakeups.resourceChanged(now, before, key);
    return now;
  }

  remove(name: string): void {
    const before = this.resources.get(`team-a/${name}`);
    this.resources.delete(`team-a/${name}`);
    this.engine.wakeups.resourceChanged(undefined, before, `team-a/${name}`);
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
    this.engine.wakeups.resourceChanged(now, before, key);
    return true;
  }

  #secretChanged(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    const seen = now?.managed ? now : undefined;
    const key = (now ?? before)!.key;
    const known = this.watched.get(key);
    if (seen) this.watched.set(key, seen);
    else this.watched.delete(key);
    if (seen || known) this.engine.wakeups.secretChanged(seen, known);
  }
}

/** An agent at rest, with one VSecMSecret `team-a/db` whose Secret it wrote. */
export async function synced(spec = specText(HOURLY)): Promise<Bench> {
  const bench = new Bench();
  bench.put('db', { spec });
  await bench.pass(10_000);
  return bench;
}
