import type { Clock } from './clock.ts';
import { Failure } from './api/reasons.ts';
import type { AgentState, ResourceName } from './api/state.ts';
import { GROUP, PLURAL, VERSION } from './api/vsecmsecret.ts';
import type { KubeClient } from './kube/client.ts';
import { Controller } from './kube/controller.ts';
import { Informer } from './kube/informer.ts';
import { apiPath } from './kube/path.ts';
import { WorkQueue } from './kube/workqueue.ts';
import type { Log, LogFields } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import { AlikeLines } from './sync/alike-lines.ts';
import { eventApi, secretApi, statusApi } from './sync/api-server.ts';
import { Claims } from './sync/claims.ts';
import { EventSink, type Regarding } from './sync/events.ts';
import { setGauges } from './sync/gauges.ts';
import { RefreshGroups, toleranceOf } from './sync/groups.ts';
import { inspect } from './sync/inspection.ts';
import type { Memory } from './sync/memory.ts';
import { Reconciler, type Ownership } from './sync/reconciler.ts';
import { Reporter, safeFailure } from './sync/reporter.ts';
import { Reminder } from './sync/reminder.ts';
import {
  MANAGED_LABEL,
  parseResource,
  parseSecretMeta,
  type Resource,
  type SecretMeta,
} from './sync/resource.ts';
import { Conflict } from './sync/secret-api.ts';
import { Schedule } from './sync/schedule.ts';
import { SecretWriter } from './sync/secret-writer.ts';
import { SOURCE_PACE, type AnswerReader, type Endpoint, type SourcePace } from './sync/source.ts';
import { Sources } from './sync/sources.ts';
import { STATUS_PACE, StatusWriter, type PutStatus, type StatusPace } from './sync/status-writer.ts';
import { Wakeups } from './sync/wakeups.ts';
import { runTogether, whenAborted, type Task } from './tasks.ts';
import { Turns } from './turns.ts';

/** How fast things go; the defaults are the product's, tests shorten them. */
export interface Pace {
  source: SourcePace;
  status: StatusPace;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
  /** How long the end of a duty waits for statuses that are still to be written, milliseconds. */
  flushMs: number;
}

export const PACE: Pace = { source: SOURCE_PACE, status: STATUS_PACE, quietMs: 60_000, flushMs: 5_000 };

export interface DutyOptions {
  node: string;
  pod: string;
  podNamespace: string;
  /** Empty: all. */
  namespaces: readonly string[];
  concurrency: number;
  /** The Safe that a resource names, and what of its grants counts here. */
  endpoint: (url: string | undefined) => Endpoint | undefined;
  reader: AnswerReader;
  spiffeId: () => string | undefined;
  ownership: Ownership;
  kube: KubeClient;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  pace: Pace;
  /** The API server went back to an earlier state: this term is to end, and another to begin. */
  onRewound: () => void;
}

/** What an agent does while it owns namespaces: it watches VSecMSecrets and Secrets and keeps them in step. */
export class Duty {
  readonly #options: DutyOptions;
  readonly #resources: Informer<Resource>;
  readonly #secrets: Informer<SecretMeta>;
  readonly #memories = new Map<string, Memory>();
  readonly #queue: WorkQueue;
  readonly #turns: Turns;
  readonly #schedule: Schedule;
  readonly #sources: Sources;
  readonly #groups: RefreshGroups;
  readonly #statuses: StatusWriter;
  readonly #alike: AlikeLines;
  readonly #reminder: Reminder;
  readonly #wakeups: Wakeups;
  readonly #reconciler: Reconciler;
  /** The term has ended: nothing is looked up or written any more but what is told of it. */
  readonly #ended = new AbortController();
  /** Nothing leaves any more. */
  readonly #gone = new AbortController();

  constructor(options: DutyOptions) {
    const { node, pod, namespaces, kube, clock, random, log, metrics, pace, onRewound } = options;
    this.#options = options;
    const common = { client: kube, log, metrics, clock, random, onRewound };
    this.#resources = new Informer<Resource>({
      ...common,
      source: {
        name: PLURAL,
        path: (namespace) => apiPath({ group: GROUP, version: VERSION, resource: PLURAL }, namespace),
        namespaces,
        metadataOnly: false,
        parse: parseResource,
      },
      onChange: (now, before, key) => this.#wakeups.resourceChanged(now, before, key),
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
      onChange: (now, before) => this.#wakeups.secretChanged(now, before),
    });
    this.#queue = new WorkQueue({ clock, random, metrics });
    this.#turns = new Turns({ clock });
    this.#schedule = new Schedule({ clock });
    const enqueue = (key: string, urgent: boolean): void => this.#queue.add(key, { urgent });
    const events = new EventSink({
      post: eventApi(kube.until(this.#gone.signal)),
      clock,
      node,
      pod,
      onResult: (result) => metrics.events.inc({ result }),
    });
    this.#sources = new Sources({
      reader: options.reader,
      schedule: this.#schedule,
      clock,
      random,
      log,
      pace: pace.source,
      spiffeId: options.spiffeId,
      wake: (keys, urgent) => {
        for (const key of keys) enqueue(key, urgent);
      },
      onTransition: (source, now, before) => {
        this.#wakeups.sourceChanged(source);
        // One Event on the agent's pod, however many resources wait.
        if (now) events.failed(this.#ownPod(), safeFailure(source));
        else if (before)
          events.publish(this.#ownPod(), 'Normal', 'Recovered', `Safe answers again (${source.url})`);
      },
    });
    this.#statuses = new StatusWriter({
      put: this.#whileOwned(statusApi(kube.until(this.#gone.signal))),
      schedule: this.#schedule,
      clock,
      random,
      pace: pace.status,
      onResult: (result) => metrics.statusWrites.inc({ result }),
    });
    this.#groups = new RefreshGroups({
      node,
      clock,
      schedule: this.#schedule,
      onDue: (dial, intervalMs, members) => {
        this.#sources.get(dial)?.ask(clock.now() - toleranceOf(intervalMs));
        this.#wakeups.due(members);
      },
    });
    const claims = new Claims();
    const memories = this.#memories;
    this.#wakeups = new Wakeups({
      node,
      memories,
      claims,
      schedule: this.#schedule,
      clock,
      enqueue,
      quietMs: pace.quietMs,
    });
    this.#alike = new AlikeLines({ log, schedule: this.#schedule, clock });
    this.#reminder = new Reminder({
      memories,
      schedule: this.#schedule,
      clock,
      log,
      everyMs: pace.source.reminderMs,
    });
    const reporter = new Reporter({
      node,
      statuses: this.#statuses,
      events,
      alike: this.#alike,
      clock,
      log,
      metrics,
      quietMs: pace.quietMs,
    });
    this.#reconciler = new Reconciler({
      node,
      resources: this.#resources,
      secrets: this.#secrets,
      memories,
      claims,
      ownership: options.ownership,
      endpoint: options.endpoint,
      inTurns: (namespace, work) => this.#turns.through(work, (ms) => this.#queue.charge(namespace, ms)),
      sources: this.#sources,
      groups: this.#groups,
      writer: new SecretWriter({ api: secretApi(kube.until(this.#ended.signal), clock) }),
      reporter,
      statuses: this.#statuses,
      schedule: this.#schedule,
      enqueue,
      clock,
      metrics,
      quietMs: pace.quietMs,
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
    const { ownership } = this.#options;
    const remembered = this.#memories;
    for (const { key, namespace, status } of this.#resources.values()) {
      const owns = ownership.owns(namespace, status.node ?? '');
      if (owns && !remembered.has(key)) this.#queue.add(key, { urgent: true });
      if (!owns && remembered.has(key)) this.#queue.add(key, { urgent: false });
    }
  }

  /** The machine's clock was set: what waits for a date of it (a secret's, a certificate's) is looked at anew. */
  clockSet(): void {
    for (const key of this.#memories.keys()) this.#queue.add(key);
  }

  /** Safes that fail are asked now: the cause may have gone. */
  retryNow(): void {
    this.#sources.retryNow();
  }

  /** Sets the gauges that are counted when somebody asks. */
  measure(): void {
    setGauges({ ...this.#parts, metrics: this.#options.metrics });
  }

  /** What a person may know of the Safes and resources that are served. */
  state(one?: ResourceName): Promise<Pick<AgentState, 'safes' | 'resources' | 'counts'>> {
    return inspect({ ...this.#parts, schedule: this.#schedule }, one);
  }

  /** Works until `signal` is aborted, then finishes the writes that are under way. */
  async run(signal: AbortSignal): Promise<void> {
    const { concurrency, log, clock, pace } = this.#options;
    const controller = new Controller({
      queue: this.#queue,
      concurrency,
      reconcile: async (key) => {
        await this.#turns.take();
        await this.#reconciler.reconcile(key);
      },
      isTold: (error) => error instanceof Failure || error instanceof Conflict,
      log,
      clock,
    });
    const work: Task = async (all) => {
      // Before both stores are whole, a Secret that exists would look absent.
      await Promise.all([this.#resources.whenSynced(all), this.#secrets.whenSynced(all)]);
      if (all.aborted) return;
      log.info('VSecMSecrets and Secrets are known', this.#summary());
      this.#reminder.start();
      await controller.run(all);
    };
    // Nothing new is begun: who looks at something finishes the write that has left, and gives up the rest.
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
      this.#sources.close();
      this.#alike.flush();
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(pace.flushMs, late.resolve);
      await Promise.race([this.#statuses.flush(), late.promise]);
      cancel();
      this.#gone.abort();
      this.#schedule.clear();
    }
  }

  /** What this agent serves, and how much there is in all. */
  #summary(): LogFields {
    const { ownership } = this.#options;
    const all = [...this.#resources.values()];
    const owned = all.filter(({ namespace, status }) => ownership.owns(namespace, status.node ?? ''));
    const namespaces = [...new Set(owned.map(({ namespace }) => namespace))].toSorted();
    return {
      count: all.length,
      resources: owned.length,
      namespaces: namespaces.length,
      names: namespaces.slice(0, 50),
      secrets: this.#secrets.size,
    };
  }

  get #parts() {
    const { clock } = this.#options;
    return { memories: this.#memories, sources: this.#sources, groups: this.#groups, clock };
  }

  /** Asks once more right before the request, as for Secrets: a status may have waited while others took over. */
  #whileOwned(put: PutStatus): PutStatus {
    return async (resource, status) => {
      const lastNode = this.#resources.get(resource.key)?.status.node ?? '';
      if (!this.#options.ownership.owns(resource.namespace, lastNode)) {
        throw new Conflict('owned by another agent now');
      }
      return put(resource, status);
    };
  }

  #ownPod(): Regarding {
    const { podNamespace, pod } = this.#options;
    return { apiVersion: 'v1', kind: 'Pod', namespace: podNamespace, name: pod };
  }
}
