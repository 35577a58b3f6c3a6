import { parseResource, type Resource } from './api/resource.ts';
import { SpecRoom } from './api/spec-room.ts';
import { FIELD_MANAGER, MANAGED_LABEL, parseSecretMeta, type SecretMeta } from './api/secret-meta.ts';
import type { AgentState, ResourceName } from './api/state.ts';
import { GROUP, PLURAL, VERSION } from './api/vsecmsecret.ts';
import type { KubeClient } from './kube/client.ts';
import { Controller } from './kube/controller.ts';
import { Informer } from './kube/informer.ts';
import { apiPath } from './kube/path.ts';
import { WorkQueue } from './kube/workqueue.ts';
import type { LogFields } from './log.ts';
import { eventApi, statusApi } from './report/kube-reports.ts';
import { workloadApi } from './restart/workload-api.ts';
import { Engine, type EngineOptions } from './sync/engine.ts';
import { secretApi } from './target/kube-secrets.ts';
import { runTogether, whenAborted, type Task } from './tasks.ts';
import { Turns } from './turns.ts';

export interface DutyOptions extends Omit<
  EngineOptions,
  'resources' | 'secrets' | 'api' | 'workloads' | 'putStatus' | 'postEvent' | 'enqueue' | 'inTurns'
> {
  /** Empty: all. */
  namespaces: readonly string[];
  concurrency: number;
  kube: KubeClient;
  /** The API server went back to an earlier state: this term is to end, and another to begin. */
  onRewound: () => void;
}

/** What an agent does while it owns namespaces: it watches VSecMSecrets and Secrets and keeps them in step. */
export class Duty {
  readonly #options: DutyOptions;
  readonly #resources: Informer<Resource>;
  readonly #secrets: Informer<SecretMeta>;
  readonly #queue: WorkQueue;
  readonly #turns: Turns;
  readonly #engine: Engine;
  /** The term has ended: nothing is looked up or written any more but what is told of it. */
  readonly #ended = new AbortController();
  /** Nothing leaves any more. */
  readonly #gone = new AbortController();

  constructor(options: DutyOptions) {
    const { namespaces, concurrency, kube, clock, random, log, metrics, onRewound } = options;
    this.#options = options;
    const common = { client: kube, log, metrics, clock, random, onRewound };
    const room = new SpecRoom();
    this.#resources = new Informer<Resource>({
      ...common,
      source: {
        name: PLURAL,
        path: (namespace) => apiPath({ group: GROUP, version: VERSION, resource: PLURAL }, namespace),
        namespaces,
        metadataOnly: false,
        parse: (object) => parseResource(object, room),
      },
      onChange: (now, before, key) => {
        if (!now) room.drop(key);
        this.#engine.wakeups.resourceChanged(now, before, key);
      },
    });
    this.#secrets = new Informer<SecretMeta>({
      ...common,
      source: {
        name: 'secrets',
        path: (namespace) => apiPath({ group: '', version: 'v1', resource: 'secrets' }, namespace),
        namespaces,
        metadataOnly: true,
        labelSelector: `${MANAGED_LABEL}=true`,
        parse: (object) => parseSecretMeta(object, clock.now()),
      },
      onChange: (now, before) => this.#engine.wakeups.secretChanged(now, before),
    });
    this.#queue = new WorkQueue({ clock, random, metrics, places: concurrency });
    this.#turns = new Turns({ clock });
    this.#engine = new Engine({
      ...options,
      resources: this.#resources,
      secrets: this.#secrets,
      api: secretApi(kube.until(this.#ended.signal), clock),
      workloads: workloadApi(kube.until(this.#ended.signal), FIELD_MANAGER),
      putStatus: statusApi(kube.until(this.#gone.signal), (key, uid) => this.#serves(key, uid)),
      postEvent: eventApi(kube.until(this.#gone.signal)),
      enqueue: (key, urgent) => this.#queue.add(key, { urgent }),
      inTurns: (namespace, work) => this.#turns.through(work, (ms) => this.#queue.charge(namespace, ms)),
    });
  }

  /** Whether both stores have seen all there is. */
  synced(): boolean {
    return this.#resources.synced() && this.#secrets.synced();
  }

  /** Namespaces that hold VSecMSecrets, each perhaps several times. */
  *namespaces(): Iterable<string> {
    for (const resource of this.#resources.values()) yield resource.namespace;
  }

  /** Namespaces moved: takes up the resources that came, lets go of those that went. */
  reown(): void {
    const { tracked } = this.#engine;
    for (const resource of this.#resources.values()) {
      const owns = this.#owns(resource);
      if (owns !== tracked.has(resource.key)) this.#queue.add(resource.key, { urgent: owns });
    }
  }

  /** The machine's clock was set: what waits for a date of it (a secret's, a certificate's) is decided anew. */
  clockSet(): void {
    for (const key of this.#engine.tracked.keys()) this.#queue.add(key);
  }

  /** Safes that fail are asked now: the cause may have gone. */
  retryNow(): void {
    this.#engine.fetchers.retryNow();
  }

  /** Sets the gauges that are counted when somebody asks. */
  measure(): void {
    this.#engine.measure();
  }

  /** What a person may know of the Safes and resources that are served. */
  state(one?: ResourceName): Promise<Pick<AgentState, 'safes' | 'resources' | 'counts'>> {
    return this.#engine.state(one);
  }

  /** Works until `signal` is aborted, then finishes the writes that are under way. */
  async run(signal: AbortSignal): Promise<void> {
    const { concurrency, log, clock } = this.#options;
    const controller = new Controller({
      queue: this.#queue,
      concurrency,
      reconcile: async (key) => {
        await this.#turns.take();
        await this.#engine.reconciler.reconcile(key);
      },
      log,
      clock,
    });
    const work: Task = async (all) => {
      // Before both stores are whole, a Secret that exists would look absent.
      await Promise.all([this.#resources.whenSynced(all), this.#secrets.whenSynced(all)]);
      if (all.aborted) return;
      log.info('VSecMSecrets and Secrets are known', this.#summary());
      this.#engine.start();
      await controller.run(all);
    };
    // Nothing new is begun: who is at something finishes the write that has left, and gives up the rest.
    const ending: Task = async (all) => {
      await whenAborted(all);
      this.#ended.abort();
    };
    try {
      await runTogether(signal, {
        ending,
        resources: (all) => this.#resources.run(all),
        secrets: (all) => this.#secrets.run(all),
        work,
      });
    } finally {
      this.#queue.close();
      await this.#engine.close();
      this.#gone.abort();
    }
  }

  #owns({ namespace, status }: Resource): boolean {
    return this.#options.ownership.owns(namespace, status.node ?? '');
  }

  #serves(key: string, uid: string): boolean {
    const resource = this.#resources.get(key);
    return resource !== undefined && resource.uid === uid && this.#owns(resource);
  }

  /** What this agent serves, and how much there is in all. */
  #summary(): LogFields {
    const all = [...this.#resources.values()];
    const owned = all.filter((resource) => this.#owns(resource));
    const namespaces = [...new Set(owned.map(({ namespace }) => namespace))].toSorted();
    return {
      count: all.length,
      resources: owned.length,
      namespaces: namespaces.length,
      names: namespaces.slice(0, 50),
      secrets: this.#secrets.size,
    };
  }
}
