import type { DeclaredSafe } from '../../agent/safe/declared-safe.ts';
import { ApiError } from '../devcluster/apiserver/api-error.ts';
import { AgentProcess } from './agent-process.ts';
import { ApiServer, type Page } from './api-server.ts';
import { AGENTS, Cluster, resourcePath, RESOURCES, secretPath } from './cluster.ts';
import { told, type Event, type Spec } from './event.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { Kubelets } from './kubelet.ts';
import type { Observer } from './observer.ts';
import { Safe } from './safe.ts';
import { HANDOFF_MS, type Setting } from './setting.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';
import { Troubles } from './trouble.ts';

const WELL_LAG_MS = 20;

/** All of it, and what can happen to it. */
export class World {
  readonly setting: Setting;
  readonly timeline: Timeline;
  readonly cluster: Cluster;
  readonly safe: Safe;
  readonly kubelets: Kubelets;
  readonly #servers: ApiServer[];
  readonly #troubles: Troubles;
  readonly #trace: Trace;
  readonly #deaf = new Map<string, number>();
  readonly #skews = new Map<string, number>();
  /** What a node's agent is told otherwise than the others. */
  readonly #configured = new Map<string, { maxOwners?: number; alone?: boolean }>();
  #refreshes = 0;

  constructor(setting: Setting, timeline: Timeline, trace: Trace, observe: (world: World) => Observer) {
    const { seed } = setting;
    this.setting = setting;
    this.timeline = timeline;
    this.#trace = trace;
    this.cluster = new Cluster(seed, timeline);
    for (const name of [AGENTS, ...Array.from({ length: setting.namespaces }, (_, index) => `ns-${index}`)])
      this.cluster.do('setup', 'POST', '/api/v1/namespaces', { metadata: { name } });
    this.safe = new Safe(seed, timeline, setting.secrets);
    this.#troubles = new Troubles(() => timeline.now);
    const pages = new Map<string, Page>();
    this.#servers = ['apiserver-0', 'apiserver-1'].map(
      (name) => new ApiServer(name, seed, this.cluster, timeline, pages),
    );
    for (const { caches } of this.#servers) for (const cache of caches.values()) cache.lagMs = WELL_LAG_MS;
    const observer = observe(this);
    new GarbageCollector(seed, this.cluster, timeline).start();
    this.kubelets = new Kubelets({
      seed,
      nodes: Array.from({ length: setting.agents }, (_, index) => `node-${index}`),
      cluster: this.cluster,
      timeline,
      trace,
      start: (node, pod, restarts) => this.#startAgent(observer, node, pod, restarts),
      deaf: (node) => (this.#deaf.get(node) ?? 0) > timeline.now,
    });
    for (let resource = 0; resource < setting.resources; resource++) this.#create(resource);
  }

  namespaceOf(resource: number): string {
    return `ns-${resource % this.setting.namespaces}`;
  }

  perform(event: Event): void {
    this.#trace.say('event', told(event));
    try {
      this.#perform(event);
    } catch (error) {
      // What people wanted to change may be gone.
      if (!(error instanceof ApiError)) throw error;
      this.#trace.say('event', `answered ${error.status} ${error.reason}`);
    }
  }

  #perform(event: Event): void {
    const { cluster, safe, kubelets, timeline } = this;
    const people = (method: string, path: string, body?: object, type?: string): unknown =>
      cluster.do('people', method, path, body, type);
    const secret = (): string => {
      const { resource, name } = event as { resource: number; name: string };
      return secretPath(this.namespaceOf(resource), name);
    };
    const path = (): string => {
      const { resource } = event as { resource: number };
      return resourcePath(this.namespaceOf(resource), `r${resource}`);
    };
    switch (event.do) {
      case 'create':
        return this.#create(event.resource, event.spec);
      case 'change':
        return void people('PATCH', path(), { spec: event.spec });
      case 'delete':
        if (event.how === 'foreground')
          people('PATCH', path(), { metadata: { finalizers: ['foregroundDeletion'] } });
        if (event.how === 'orphan') people('PATCH', path(), { metadata: { finalizers: ['orphan'] } });
        return void people('DELETE', path());
      case 'replace':
        people('DELETE', path());
        return this.#create(event.resource, event.spec);
      case 'refresh':
        return void people('PATCH', path(), {
          metadata: { annotations: { 'vsecm.com/refresh': String(++this.#refreshes) } },
        });
      case 'edit-secret':
        return void people('PATCH', secret(), { data: { a: encoded('edited') } });
      case 'delete-secret':
        return void people('DELETE', secret());
      case 'make-secret':
        return void people('POST', `/api/v1/namespaces/${this.namespaceOf(event.resource)}/secrets`, {
          metadata: {
            name: event.name,
            ...(event.consent && { annotations: { 'vsecm.com/allow-adoption': 'true' } }),
          },
          data: Object.fromEntries(Object.entries(event.data).map(([key, text]) => [key, encoded(text)])),
        });
      case 'annotate-secret':
        return void people('PATCH', secret(), { metadata: { annotations: event.annotations } });
      case 'force-fields':
        return void cluster.do(
          'flux',
          'PATCH',
          `${secret()}?fieldManager=flux&force=true`,
          { apiVersion: 'v1', kind: 'Secret', data: { a: encoded('flux') } },
          'application/apply-patch+yaml',
        );
      case 'rotate':
        return safe.rotate(event.secret % safe.secrets, {
          ...(event.expiresMs !== undefined && {
            expires: `${new Date(timeline.now + event.expiresMs).toISOString().slice(0, 19)}Z`,
          }),
        });
      case 'lose-secret':
        return safe.lose(event.secret % safe.secrets);
      case 'safe':
        return safe.fares(event.weather, event.ms);
      case 'crash':
        return kubelets.crash(event.node, event.ms);
      case 'roll':
        return kubelets.replace(event.node, event.ms);
      case 'lose-node':
        return kubelets.lose(event.node, event.ms);
      case 'unready':
        return void this.#deaf.set(`node-${event.node % this.setting.agents}`, timeline.now + event.ms);
      case 'configure':
        return void this.#configured.set(`node-${event.node % this.setting.agents}`, event);
      case 'api': {
        const { node, ...trouble } = event.trouble;
        const pod = node === undefined ? undefined : kubelets.on(node)?.pod;
        if (node !== undefined && pod === undefined) return;
        return this.#troubles.add({ ...trouble, ...(pod !== undefined && { pod }) }, event.ms);
      }
      case 'lag': {
        const cache = [...this.#servers[event.server % this.#servers.length]!.caches.values()].find(
          ({ kind }) => kind.plural === event.resource,
        )!;
        cache.lagMs = event.lagMs;
        return void timeline.after(event.ms, () => (cache.lagMs = WELL_LAG_MS));
      }
      default:
        return this.#toAgent(event);
    }
  }

  /** What happens to the process on a node, if one runs there. */
  #toAgent(
    event: Event & { do: 'freeze' | 'withdraw' | 'starve' | 'skew' | 'cut' | 'mute' | 'drop' | 'jam' },
  ): void {
    const agent = this.kubelets.on(event.node);
    if (agent === undefined) return;
    switch (event.do) {
      case 'freeze':
        return agent.freeze(event.ms);
      case 'withdraw':
        return agent.identity.withdraw(event.ms);
      case 'starve':
        return agent.identity.starve(event.ms);
      case 'skew':
        this.#skews.set(agent.node, event.ms);
        agent.skewMs = event.ms;
        return;
      case 'mute':
        return agent.mute();
      case 'drop':
        return agent.drop();
      case 'jam':
        return agent.jam(event.ms);
      case 'cut':
        for (const [what, { out, in: back }] of Object.entries(agent.links)) {
          if (event.what !== 'all' && event.what !== what) continue;
          out.cut(event.ms);
          back.cut(event.ms);
        }
    }
  }

  #create(resource: number, spec: Spec = {}): void {
    const { intervals, secrets } = this.setting;
    const path = `${RESOURCES}/namespaces/${this.namespaceOf(resource)}/vsecmsecrets`;
    const source = resource % secrets;
    this.cluster.do('people', 'POST', path, {
      apiVersion: 'vsecm.com/v1alpha1',
      kind: 'VSecMSecret',
      metadata: { name: `r${resource}` },
      spec: {
        refreshInterval: intervals[resource % intervals.length],
        target: { name: `t${resource}` },
        data: ['a', 'b'].map((key) => ({ key, ref: `s${source}.${key}` })),
        ...(resource % 5 === 4 && { maxStaleness: '15m' }),
        ...spec,
      },
    });
  }

  #startAgent(observer: Observer, node: string, pod: string, restarts: number): AgentProcess {
    const own = this.#configured.get(node);
    const process: AgentProcess = new AgentProcess({
      node,
      pod,
      restarts,
      seed: this.setting.seed,
      config: {
        podNamespace: AGENTS,
        service: own?.alone ? '' : 'vsecm-agent',
        maxOwners: own?.maxOwners ?? this.setting.maxOwners,
        handoffDelayMs: HANDOFF_MS,
        namespaces: [],
        concurrency: 16,
        safes: [HOME],
        cacheBytes: 67_108_864,
      },
      skewMs: this.#skews.get(node) ?? 0,
      servers: this.#servers,
      troubles: this.#troubles,
      safe: this.safe,
      timeline: this.timeline,
      trace: this.#trace,
      ...observer.attend(pod, node, () => process),
    });
    return process;
  }
}

/** The only Safe. */
const HOME: DeclaredSafe = {
  url: 'https://safe',
  dial: 'https://safe/workload/v1/secrets',
  home: true,
  serverName: undefined,
  trustDomain: 'vsecm.com',
  idPattern: /^/,
  grants: 'enforce',
  scope: { as: 'vsecm.com', qualified: false },
  proof: undefined,
  timeoutMs: 10_000,
  floorMs: undefined,
};

const encoded = (text: string): string => Buffer.from(text).toString('base64');
