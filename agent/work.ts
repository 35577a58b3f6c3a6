import type { AgentState, ResourceName } from './api/state.ts';
import { watchClock } from './clock-watch.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Duty } from './duty.ts';
import type { KubeClient } from './kube/client.ts';
import type { Log } from './log.ts';
import { createMembers } from './members.ts';
import type { Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import { SafeCache, type SafeCacheOptions } from './safe/cache.ts';
import type { IdentitySource } from './safe/own-identity.ts';
import { Safes } from './safe/safes.ts';
import type { Ownership, Summary } from './shard/ownership.ts';
import { whileRole } from './shard/while-role.ts';
import { setGauges } from './report/gauges.ts';
import { PACE, type Pace } from './sync/engine.ts';
import { runTogether, type Task } from './tasks.ts';

/** What the work of an agent needs to know of its configuration. */
export type WorkConfig = Pick<
  Config,
  | 'node'
  | 'pod'
  | 'podNamespace'
  | 'service'
  | 'maxOwners'
  | 'handoffDelayMs'
  | 'namespaces'
  | 'concurrency'
  | 'safes'
  | 'cacheBytes'
>;

/** All that the work of an agent touches the world with: nothing in it opens a socket, or knows time or chance otherwise. */
export interface Edges {
  kube: KubeClient;
  /** Asks a Safe once; what is remembered of it is the work's. */
  safe: SafeCacheOptions['client'];
  identity: IdentitySource;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  config: WorkConfig;
  /** Default: the product's. */
  pace?: Pace | undefined;
  /** From the start of one request to a Safe to the start of the next, milliseconds; default 5,000. */
  floorMs?: number | undefined;
}

/** What an agent does, whatever carries its requests. */
export interface Work {
  /** The tasks that live and die together; after their end `close`. */
  run: Task;
  /** Fails those who still wait for Safe. */
  close(): void;
  /** Whether the agent was once as far as its role takes it. */
  ready(): boolean;
  /** Sets the gauges that are counted when somebody asks. */
  measure(): void;
  ownership(): Summary;
  /** The Safes and resources that are served, or one of them; undefined while none are. */
  state(one?: ResourceName): Promise<Pick<AgentState, 'safes' | 'resources' | 'counts'>> | undefined;
}

/** Builds the work of one agent over its edges. Does no I/O before `run`. */
export function createWork({ kube, safe, identity, config, pace = PACE, floorMs, ...common }: Edges): Work {
  const { clock, log, metrics } = common;
  const safes = new Safes(config.safes);
  const cache = new SafeCache({
    client: safe,
    identityKey: () => identity.current().id.uri,
    maxBytes: safes.shareOf(config.cacheBytes),
    clock,
    metrics,
    floorMs: (dial) => safes.at(dial).floorMs ?? floorMs,
  });
  let duty: Duty | undefined;
  const members = createMembers({ ...common, config, kube, namespaces: () => duty?.namespaces() ?? [] });
  const { ownership } = members;
  ownership.onChange(() => duty?.reown());
  identity.onChange((change) => {
    if (change === 'obtained' || change === 'rotated') duty?.retryNow();
  });

  // Each term of duty begins with empty stores: what was known at the end of the last one is old, or of another past.
  const serve: Task = async (signal) => {
    const rewound = new AbortController();
    duty = new Duty({
      ...common,
      ...config,
      endpoint: (url) => safes.resolve(url),
      reader: cache,
      spiffeId: () => quietly(() => identity.current().id.uri),
      ownership,
      kube,
      pace,
      onRewound: () => rewound.abort(),
    });
    try {
      await duty.run(AbortSignal.any([signal, rewound.signal]));
    } finally {
      duty = undefined;
    }
    if (!signal.aborted) await serve(signal);
  };

  const onSet = (byMs: number): void => {
    log.warn('The clock of this machine was set', { bySeconds: Math.round(byMs / 1000) });
    duty?.clockSet();
  };

  const ready = latch(() => (ownership.role() === 'owner' ? (duty?.synced() ?? false) : members.known()));
  return {
    run: (signal) =>
      runTogether(signal, {
        ...members.tasks,
        duty: whileRole(ownership, ['owner'], serve),
        clock: (all) => watchClock({ clock, onSet }, all),
      }),
    close: () => cache.close(),
    ready,
    measure() {
      measureMembers(ownership, metrics);
      if (duty) duty.measure();
      else setGauges({ ...IDLE, clock, metrics });
    },
    ownership: () => ownership.summary(),
    state: (one) => duty?.state(one),
  };
}

/** What is counted while nothing is served. */
const IDLE = { subjects: new Map(), fetchers: { all: () => [] }, groups: { sizes: () => [] } };

/** Sets the gauges about this agent's part in the work. */
function measureMembers(ownership: Ownership, metrics: Metrics): void {
  const { role, members, namespaces } = ownership.summary();
  metrics.members.set(members.length);
  metrics.ownedNamespaces.set(namespaces);
  for (const one of ['owner', 'standby', 'other'] as const)
    metrics.role.set({ role: one }, one === role ? 1 : 0);
}

/** Turns a condition that held once into one that goes on holding. */
function latch(holds: () => boolean): () => boolean {
  let held = false;
  return () => (held ||= holds());
}

/** The result, or `undefined` if there is none at present. */
function quietly<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
