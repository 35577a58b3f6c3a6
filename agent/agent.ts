import { once } from 'node:events';
import { systemClock, type Clock } from './clock.ts';
import type { Config } from './config.ts';
import { hintFor } from './api/reasons.ts';
import { Duty, PACE, type Pace } from './duty.ts';
import { HealthServer } from './health.ts';
import { KubeClient } from './kube/client.ts';
import { Informer } from './kube/informer.ts';
import { apiPath } from './kube/path.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { PageServer } from './page/server.ts';
import { stateOf } from './page/state.ts';
import { SafeCache } from './safe/cache.ts';
import { SafeClient } from './safe/client.ts';
import { SafeEndpoints } from './safe/endpoint.ts';
import { parseSlice, sliceSelector, type Slice } from './shard/slices.ts';
import type { Ownership } from './shard/ownership.ts';
import { SharedOwnership } from './shard/shared-ownership.ts';
import { SoleOwnership } from './shard/sole-ownership.ts';
import { whileRole } from './shard/while-role.ts';
import { peerErrorOf, tlsOptions } from './spiffe/tls.ts';
import { X509Source } from './spiffe/x509-source.ts';
import { setGauges } from './sync/gauges.ts';
import { runTogether, type Task } from './tasks.ts';
import { VERSION } from './version.ts';

export interface AgentOptions {
  config: Config;
  log: Log;
  clock?: Clock;
  pace?: Pace;
  /** From the start of one request to a Safe to the start of the next, milliseconds; default 5,000. */
  floorMs?: number;
}

/** One agent: built by `createAgent`, alive during `run`. */
export interface Agent {
  /** Works until `signal` is aborted; rejects if it cannot go on. */
  run(signal: AbortSignal): Promise<void>;
}

/** Builds the whole graph of one agent. Reads credentials, opens no connection. */
export async function createAgent({
  config,
  log,
  clock = systemClock,
  pace = PACE,
  floorMs,
}: AgentOptions): Promise<Agent> {
  const metrics = createMetrics();
  const kube = await KubeClient.load({
    kubeconfig: config.kubeconfig,
    host: config.kubernetesHost,
    port: config.kubernetesPort,
    metrics,
    clock,
  });
  const { trustDomain, safeIdPattern } = config;
  const identity = new X509Source({
    socket: config.spiffeSocket,
    trustDomain,
    log,
    metrics,
    clock,
    hint: hintFor,
  });
  const safe = new SafeClient({
    identity,
    tls: { options: (own) => tlsOptions(own, { trustDomain, safeIdPattern }), peerErrorOf },
    timeoutMs: config.safeTimeoutMs,
    maxBytes: config.responseBytes,
    log,
    metrics,
    clock,
  });
  const cache = new SafeCache({
    client: safe,
    identityKey: () => identity.current().id.uri,
    maxBytes: config.cacheBytes,
    clock,
    metrics,
    ...(floorMs !== undefined && { floorMs }),
  });
  const endpoints = new SafeEndpoints({ defaultUrl: config.safeUrl, allowed: config.allowedSafeUrls });

  let duty: Duty | undefined;
  const members = createMembers(config, {
    kube,
    clock,
    log,
    metrics,
    namespaces: () => duty?.namespaces() ?? [],
  });
  const newDuty = (): Duty =>
    new Duty({
      ...config,
      endpoint: (url) => endpoints.resolve(url),
      reader: cache,
      spiffeId: () => quietly(() => identity.current().id.uri),
      ownership: members.ownership,
      kube,
      clock,
      log,
      metrics,
      pace,
    });
  members.ownership.onChange(() => duty?.reown());
  identity.onChange((change) => {
    if (change === 'obtained' || change === 'rotated') duty?.retryNow();
  });

  // Each term of duty begins with empty stores: what was known at the end of the last one is old.
  const serve: Task = async (signal) => {
    duty = newDuty();
    try {
      await duty.run(signal);
    } finally {
      duty = undefined;
    }
  };

  const caches = latch(() =>
    members.ownership.role() === 'owner' ? (duty?.synced() ?? false) : members.known(),
  );
  const health = new HealthServer({
    port: config.httpPort,
    checks: { caches, identity: () => quietly(() => identity.current()) !== undefined },
    metrics: async () => {
      measure(members.ownership, metrics);
      if (duty) duty.measure();
      else
        setGauges({
          memories: new Map(),
          sources: { all: () => [] },
          groups: { sizes: () => [] },
          clock,
          metrics,
        });
      return { type: metrics.registry.contentType, text: await metrics.registry.metrics() };
    },
  });

  const page = new PageServer({
    port: config.pagePort,
    state: stateOf({
      version: VERSION,
      node: config.node,
      pod: config.pod,
      startedAt: clock.now(),
      identity: () => identity.current(),
      ownership: () => members.ownership.summary(),
      work: () => duty?.state(),
    }),
  });

  return {
    async run(signal) {
      const port = await health.listen();
      const pagePort = await page.listen();
      log.info('Agent started', { port, pagePort, safeURL: config.safeUrl, trustDomain });
      try {
        await runTogether(signal, {
          identity: (all) => identity.run(all),
          ...members.tasks,
          duty: whileRole(members.ownership, ['owner'], serve),
        });
      } finally {
        cache.close();
        await safe.close();
        await kube.close();
        await page.close();
        await health.close();
      }
    },
  };
}

/** Who shares the work, and the tasks that keep that known. */
interface Members {
  ownership: Ownership;
  /** Whether the members have been read once. */
  known: () => boolean;
  tasks: Record<string, Task>;
}

function createMembers(
  config: Config,
  parts: { kube: KubeClient; clock: Clock; log: Log; metrics: Metrics; namespaces: () => Iterable<string> },
): Members {
  const { kube, clock, log, metrics, namespaces } = parts;
  const { node, pod, podNamespace, service, maxOwners, handoffDelayMs } = config;
  if (service === '') {
    const alone = new SoleOwnership({ node, namespaces });
    const run: Task = (signal) => {
      log.info('Role among the agents', { role: 'owner', members: 1, owners: 1 });
      return alone.run(signal);
    };
    return { ownership: alone, known: () => true, tasks: { ownership: run } };
  }
  const path = apiPath(
    { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
    podNamespace,
  );
  const parse = (object: unknown): Slice | undefined => parseSlice(object, service);
  const shared = new SharedOwnership({
    node,
    pod,
    maxOwners,
    handoffDelayMs,
    list: async (signal) => {
      const query = { labelSelector: sliceSelector(service) };
      const { items = [] } = await kube.request<{ items?: unknown[] }>({
        method: 'GET',
        path,
        query,
        signal,
      });
      return items.map(parse).filter((slice) => slice !== undefined);
    },
    namespaces,
    clock,
    log,
    metrics,
  });
  const watch: Task = async (signal) => {
    const slices = new Informer<Slice>({
      client: kube,
      source: {
        name: 'endpointslices',
        path: () => path,
        namespaces: [],
        metadataOnly: false,
        labelSelector: sliceSelector(service),
        parse,
      },
      // Half a list would look like members that vanished.
      onChange: () => slices.synced() && shared.observe(slices.values()),
      log,
      metrics,
      clock,
    });
    const synced: Task = async (all) => {
      await slices.whenSynced(all);
      if (all.aborted) return;
      shared.observe(slices.values());
      await once(all, 'abort');
    };
    await runTogether(signal, { watch: (all) => slices.run(all), synced });
  };
  return {
    ownership: shared,
    known: () => shared.role() !== undefined,
    tasks: {
      ownership: (signal) => shared.run(signal),
      members: whileRole(shared, ['owner', 'standby'], watch),
    },
  };
}

/** Sets the gauges about this agent's part in the work. */
function measure(ownership: Ownership, metrics: Metrics): void {
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
