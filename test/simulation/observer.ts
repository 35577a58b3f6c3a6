import type { RequestInfo } from '../devcluster/request-info.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Reply } from './api-server.ts';
import type { Event } from './event.ts';
import { INVARIANTS } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { type Calm, type Ears, type Scene, type Watched } from './scene.ts';
import { BACKOFF_CAP_MS, HANDOFF_MS } from './setting.ts';
import { Shown } from './shown.ts';
import type { Trace } from './trace.ts';
import type { Witness } from './wire.ts';
import type { World } from './world.ts';

export interface Violation {
  invariant: string;
  /** Milliseconds since the start. */
  at: number;
  text: string;
}

const BEAT_MS = 2_000;
/** Until a watch that tells nothing is noticed, and all is listed anew. */
const WATCHDOG_MS = 120_000;
/** From when a member is seen to leave until the others serve what was its own. */
const HANDOVER_MS = HANDOFF_MS + 7_000;
/** Until all see that an agent does not work: two probes, or the node monitor. */
const NOTICED_MS = { crash: 5_000, roll: 30_000, freeze: 17_000, unready: 17_000, 'lose-node': 55_000 };
/** Until those who met an outage of the API servers have all come back; they may stay away as long as it lasted. */
const RECOVERY_MS = 60_000;

/** Sees everything: what each agent has been shown, each change at etcd, each request. The invariants judge. */
export class Observer {
  readonly violations: Violation[] = [];
  readonly agents = new Map<string, Watched>();
  readonly ledger: Ledger;
  /** Requests of agents by verb and resource. */
  readonly requests = new Map<string, number>();
  /** Characters that agents were sent, by the same. */
  readonly characters = new Map<string, number>();
  readonly #world: World;
  readonly #trace: Trace;
  readonly #ears: Ears[] = [];
  /** By pod: looks whether its view has changed. */
  readonly #looks = new Map<string, () => void>();
  readonly #troubles: Record<Calm, Map<string, number>> = {
    api: new Map(),
    watches: new Map(),
    agents: new Map(),
    safe: new Map(),
  };

  constructor(world: World, trace: Trace) {
    const { cluster, timeline, setting, safe } = world;
    this.#world = world;
    this.#trace = trace;
    this.ledger = new Ledger(cluster, timeline);
    const { agents, ledger } = this;
    for (const { name, watch } of INVARIANTS) {
      const scene: Scene = {
        setting,
        timeline,
        cluster,
        safe,
        ledger,
        agents,
        calm: (what) => timeline.now - Math.max(timeline.start, ...this.#troubles[what].values()),
        violate: (text) => this.#violate(name, text),
      };
      this.#ears.push(watch(scene));
    }
    cluster.follow(cluster.secrets, (change) => {
      const { writer } = cluster;
      const { metadata } = change.now ?? change.before;
      const what = change.now === undefined ? 'gone' : change.before === undefined ? 'created' : 'changed';
      trace.say(
        writer,
        `Secret ${metadata.namespace}/${metadata.name} ${what} ${shortly(change.now)} version ${change.resourceVersion}`,
      );
      for (const ear of this.#ears) ear.secret?.(change, writer);
    });
    cluster.follow(cluster.resources, (change) => {
      const { writer } = cluster;
      const { metadata, status } = change.now ?? change.before;
      const ready = status?.conditions?.find((one: any) => one.type === 'Ready')?.status;
      trace.say(
        writer,
        `VSecMSecret ${metadata.namespace}/${metadata.name} generation ${metadata.generation}${change.now ? '' : ' gone'} ready=${ready} ${status?.failure?.code ?? ''} node=${status?.node}`,
      );
      for (const ear of this.#ears) ear.resource?.(change, writer);
    });
    cluster.follow(cluster.slices, ({ now }) => {
      const some = now.endpoints.some((one: any) => one.conditions.ready);
      // Whoever left is given up after the delay; whoever came is counted at once.
      this.#trouble('agents', some ? HANDOVER_MS : Infinity, 'slices');
    });
    const beat = (): void => {
      for (const look of this.#looks.values()) look();
      for (const ear of this.#ears) ear.beat?.();
      timeline.after(BEAT_MS, beat);
    };
    timeline.after(BEAT_MS, beat);
    this.#trouble('agents', Infinity, 'slices');
  }

  /** What the observer needs to see of a process that starts. */
  attend(
    pod: string,
    node: string,
    process: () => AgentProcess,
  ): { witness: Witness; onSafe: () => void; onEnd: (error: unknown) => void } {
    const shown = new Shown();
    const startedAt = this.#world.timeline.now;
    const world = this.#world;
    let view = '';
    let viewSince = startedAt;
    const look = (): void => {
      // How many namespaces there are is no matter of who owns what.
      const { namespaces: _, ...ownership } = process().work.ownership();
      const now = JSON.stringify(ownership);
      if (now !== view) viewSince = world.timeline.now;
      view = now;
    };
    const agent: Watched = {
      pod,
      node,
      shown,
      startedAt,
      get viewSince() {
        return viewSince;
      },
      get process() {
        return process();
      },
    };
    this.agents.set(pod, agent);
    this.#looks.set(pod, look);
    return {
      witness: {
        asks: (info) => shown.asks(info, world.timeline.now),
        leaves: (info, body) => {
          look();
          this.#leaves(agent, info, body);
        },
        abandons: (info) => {
          for (const ear of this.#ears) ear.abandons?.(agent, info);
        },
        arrives: (info, reply) => this.#arrives(agent, info, reply),
        weighs: (info, characters) => {
          const kind = kindOf(info);
          this.characters.set(kind, (this.characters.get(kind) ?? 0) + characters);
        },
        opens: (info, initial) => shown.opens(info, initial),
        shows: (info, type, object) => {
          const before = [...shown.slices.values()];
          shown.shows(info, type, object, world.timeline.now);
          const after = [...shown.slices.values()];
          // The same one again tells nothing.
          if (after.some((slice, index) => slice !== before[index])) viewSince = world.timeline.now;
        },
      },
      onSafe: () => {
        this.#trace.say(pod, 'asks Safe');
        for (const ear of this.#ears) ear.asksSafe?.(agent);
      },
      onEnd: (error) => this.#violate('lives', `${pod} ended by itself: ${(error as Error)?.stack ?? error}`),
    };
  }

  /** An event begins: what it touches is not calm until it is over. */
  noteEvent(event: Event): void {
    const ms = 'ms' in event ? event.ms : 0;
    switch (event.do) {
      case 'safe':
        return this.#trouble('safe', ms);
      case 'api':
        return this.#trouble(
          event.trouble.becomes === 'silent' ? 'watches' : 'api',
          ms + RECOVERY_MS + Math.min(ms, BACKOFF_CAP_MS),
        );
      case 'lag':
        return this.#trouble('api', ms);
      case 'jam':
        return this.#trouble('api', ms + 5_000);
      case 'drop':
        return this.#trouble('api', 1_000);
      case 'cut':
        this.#trouble('safe', ms);
        return this.#trouble('api', ms);
      case 'mute':
        return this.#trouble('watches', WATCHDOG_MS);
      case 'freeze':
      case 'crash':
      case 'roll':
      case 'unready':
      case 'lose-node':
        return this.#trouble('agents', Math.min(ms, NOTICED_MS[event.do]) + HANDOVER_MS);
      case 'skew':
        return this.#trouble('agents', HANDOVER_MS);
      case 'configure': {
        const agree = event.maxOwners === undefined && event.alone === undefined;
        return this.#trouble('agents', agree ? 2 * HANDOFF_MS : Infinity, `node ${event.node}`);
      }
      case 'withdraw':
      case 'starve':
        this.#trouble('agents', ms);
        return this.#trouble('safe', ms);
      default:
    }
  }

  end(): void {
    for (const ear of this.#ears) ear.end?.();
  }

  /** Until when, from one cause, something is not calm. A cause that is set to end later ends later. */
  #trouble(what: Calm, ms: number, cause = 'event'): void {
    const until = this.#world.timeline.now + ms;
    const causes = this.#troubles[what];
    causes.set(cause, cause === 'event' ? Math.max(causes.get(cause) ?? 0, until) : until);
  }

  #leaves(agent: Watched, info: RequestInfo, body: any): void {
    const kind = kindOf(info);
    this.requests.set(kind, (this.requests.get(kind) ?? 0) + 1);
    if (
      info.verb === 'patch' ||
      info.verb === 'delete' ||
      (info.verb === 'get' && info.resource === 'secrets')
    )
      this.#trace.say(
        agent.pod,
        `sends ${kind} ${info.namespace}/${info.name}${body?.metadata?.resourceVersion ? ` over ${body.metadata.resourceVersion}` : ''}`,
      );
    for (const ear of this.#ears) ear.leaves?.(agent, info, body);
  }

  #arrives(agent: Watched, info: RequestInfo, reply: Reply): void {
    if (info.verb === 'list' && reply.status === 200)
      agent.shown.lists(info, reply, this.#world.timeline.now);
    if (reply.status >= 300 || (info.verb === 'get' && info.resource === 'secrets'))
      this.#trace.say(
        agent.pod,
        `is answered ${reply.status} to ${info.verb} ${info.resource} ${info.namespace}/${info.name}`,
      );
    for (const ear of this.#ears) ear.arrives?.(agent, info, reply);
  }

  #violate(invariant: string, text: string): void {
    const at = this.#world.timeline.now - this.#world.timeline.start;
    this.violations.push({ invariant, at, text });
    this.#trace.say('VIOLATION', `${invariant}: ${text}`);
  }
}

const kindOf = ({ verb, resource, subresource }: RequestInfo): string =>
  `${verb} ${resource}${subresource && `/${subresource}`}`;

function shortly(secret: any): string {
  if (secret === undefined) return '';
  const text = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString() || '-';
  const owner = secret.metadata.ownerReferences?.[0]?.name ?? 'nobody';
  return `a=${text(secret.data?.a)} b=${text(secret.data?.b)} of ${owner}`;
}
