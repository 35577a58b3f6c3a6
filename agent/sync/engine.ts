import type { Resource } from '../api/resource.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { AgentState, ResourceName } from '../api/state.ts';
import type { Clock } from '../clock.ts';
import { toleranceOf } from '../decide/freshness.ts';
import { safeFailure } from '../fetch/fetch-failure.ts';
import { FETCH_PACE, type AnswerReader, type Endpoint, type FetchPace } from '../fetch/fetcher.ts';
import { Fetchers } from '../fetch/fetchers.ts';
import { RefreshGroups } from '../fetch/groups.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import { AlikeLines } from '../report/alike-lines.ts';
import { EventSink, type PostEvent, type Regarding } from '../report/events.ts';
import { setGauges } from '../report/gauges.ts';
import { inspect } from '../report/inspection.ts';
import { Reminder } from '../report/reminder.ts';
import { Reporter } from '../report/reporter.ts';
import { STATUS_PACE, StatusWriter, type PutStatus, type StatusPace } from '../report/status-writer.ts';
import type { InPieces } from '../resolve/in-pieces.ts';
import { ROLLOUT_PACE, type RolloutPace } from '../restart/rollout.ts';
import { Rollouts } from '../restart/rollouts.ts';
import type { WorkloadApi } from '../restart/workload-api.ts';
import { Schedule } from '../schedule.ts';
import { Claims } from '../target/claims.ts';
import { Knowledge, type Store } from '../target/knowledge.ts';
import { OwnedSecrets } from '../target/owned.ts';
import type { SecretApi } from '../target/secret-api.ts';
import { Plans } from './plans.ts';
import { Reconciler, type Ownership, type Tracked } from './reconciler.ts';
import { Retries, RETRY_PACE, type RetryPace } from './retries.ts';
import { Wakeups } from './wakeups.ts';

/** How fast things go; the defaults are the product's, tests shorten them. */
export interface Pace {
  fetch: FetchPace;
  status: StatusPace;
  rollout: RolloutPace;
  retry: RetryPace;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
  /** How long the end of a duty waits for statuses that are still to be written, milliseconds. */
  flushMs: number;
}

export const PACE: Pace = {
  fetch: FETCH_PACE,
  status: STATUS_PACE,
  rollout: ROLLOUT_PACE,
  retry: RETRY_PACE,
  quietMs: 60_000,
  flushMs: 5_000,
};

export interface EngineOptions {
  node: string;
  pod: string;
  podNamespace: string;
  /** The Safe that a resource names, and what of its grants counts here. */
  endpoint: (url: string | undefined) => Endpoint | undefined;
  reader: AnswerReader;
  spiffeId: () => string | undefined;
  ownership: Ownership;
  /** What the watches show. */
  resources: Store<Resource>;
  secrets: Store<SecretMeta>;
  api: SecretApi;
  workloads: WorkloadApi;
  putStatus: PutStatus;
  postEvent: PostEvent;
  /** Has a resource reconciled soon. */
  enqueue: (key: string, urgent: boolean) => void;
  /** Does work for a namespace piece by piece, at its expense, and lets others have their turns in between. */
  inTurns: <Result>(namespace: string, work: InPieces<Result>) => Promise<Result>;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  pace: Pace;
}

/** All parts of one term of duty but its watches and its queue, wired together. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #schedule: Schedule;
  readonly #alike: AlikeLines;
  readonly #reminder: Reminder;
  readonly #retries: Retries;
  /** What is served, by key. */
  readonly tracked = new Map<string, Tracked>();
  readonly fetchers: Fetchers;
  readonly groups: RefreshGroups;
  readonly knowledge: Knowledge;
  readonly claims: Claims;
  readonly statuses: StatusWriter;
  readonly rollouts: Rollouts;
  readonly wakeups: Wakeups;
  readonly reconciler: Reconciler;

  constructor(options: EngineOptions) {
    const { node, pod, clock, random, log, metrics, pace, enqueue } = options;
    const { tracked } = this;
    this.#options = options;
    const schedule = (this.#schedule = new Schedule({ clock }));
    const events = new EventSink({
      post: options.postEvent,
      schedule,
      clock,
      node,
      pod,
      onResult: (result) => metrics.events.inc({ result }),
    });
    const fetchers = (this.fetchers = new Fetchers({
      ...options,
      schedule,
      pace: pace.fetch,
      wake: (keys, urgent) => {
        for (const key of keys) enqueue(key, urgent);
      },
      onTransition: (fetcher, now, before) => {
        this.wakeups.fetcherChanged(fetcher);
        // One Event on the agent's pod, however many resources wait.
        if (now) events.failed(this.#ownPod(), safeFailure(fetcher));
        else if (before)
          events.publish(this.#ownPod(), 'Normal', 'Recovered', `Safe answers again (${fetcher.url})`);
      },
    }));
    const statuses = (this.statuses = new StatusWriter({
      put: options.putStatus,
      schedule,
      clock,
      random,
      pace: pace.status,
      onResult: (result) => metrics.statusWrites.inc({ result }),
    }));
    const groups: RefreshGroups = (this.groups = new RefreshGroups({
      node,
      clock,
      schedule,
      // Whom the answer concerns is woken by it.
      onDue: (dial, intervalMs) => fetchers.get(dial)?.ask(clock.now() - toleranceOf(intervalMs)),
    }));
    this.#alike = new AlikeLines({ log, schedule, clock });
    this.#reminder = new Reminder({
      subjects: tracked,
      schedule,
      clock,
      log,
      everyMs: pace.fetch.reminderMs,
    });
    const retries = (this.#retries = new Retries({ clock, schedule, pace: pace.retry, enqueue }));
    const knowledge = (this.knowledge = new Knowledge({ shown: options.secrets, clock }));
    const owned = new OwnedSecrets();
    const claims = (this.claims = new Claims({
      secret: (key) => options.secrets.get(key),
      wrote: (key, name) => tracked.get(key)?.facts.wrote?.name === name,
    }));
    const rollouts = (this.rollouts = new Rollouts({
      api: options.workloads,
      clock,
      log,
      pace: pace.rollout,
      owns: (key) => {
        const resource = options.resources.get(key);
        return (
          resource !== undefined && options.ownership.owns(resource.namespace, resource.status.node ?? '')
        );
      },
      changed: (key) => enqueue(key, false),
    }));
    const common = {
      ...options,
      rollouts,
      tracked,
      claims,
      knowledge,
      owned,
      statuses,
      schedule,
      quietMs: pace.quietMs,
    };
    this.wakeups = new Wakeups(common);
    this.reconciler = new Reconciler({
      ...common,
      plans: new Plans({ ...options, fetchers, groups }),
      retries,
      reporter: new Reporter({ node, statuses, events, alike: this.#alike, clock, log, metrics }),
    });
  }

  /** From now on what lasts is told again. */
  start(): void {
    this.#reminder.start();
  }

  /** Ends everything but the writes that are under way; statuses that wait are given a moment. */
  async close(): Promise<void> {
    const { clock, pace } = this.#options;
    this.fetchers.close();
    this.rollouts.stop();
    this.#alike.flush();
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(pace.flushMs, late.resolve);
    await Promise.race([this.statuses.flush(), late.promise]);
    cancel();
    this.#schedule.clear();
  }

  /** Sets the gauges that are counted when somebody asks. */
  measure(): void {
    setGauges({ ...this.#parts, metrics: this.#options.metrics });
  }

  /** What a person may know of the Safes and resources that are served. */
  state(one?: ResourceName): Promise<Pick<AgentState, 'safes' | 'resources' | 'counts'>> {
    return inspect({ ...this.#parts, retries: this.#retries }, one);
  }

  get #parts() {
    const { fetchers, groups } = this;
    return { subjects: this.tracked, fetchers, groups, clock: this.#options.clock };
  }

  #ownPod(): Regarding {
    const { podNamespace, pod } = this.#options;
    return { apiVersion: 'v1', kind: 'Pod', namespace: podNamespace, name: pod };
  }
}
