import { once } from 'node:events';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { KubeClient } from './kube/client.ts';
import { Informer } from './kube/informer.ts';
import { apiPath } from './kube/path.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import type { Ownership } from './shard/ownership.ts';
import { SharedOwnership } from './shard/shared-ownership.ts';
import { parseSlice, sliceSelector, type Slice } from './shard/slices.ts';
import { SoleOwnership } from './shard/sole-ownership.ts';
import { whileRole } from './shard/while-role.ts';
import { runTogether, type Task } from './tasks.ts';

/** Who shares the work, and the tasks that keep that known. */
export interface Members {
  ownership: Ownership;
  /** Whether the members have been read once. */
  known: () => boolean;
  tasks: Record<string, Task>;
}

export interface MembersOptions {
  config: Pick<Config, 'node' | 'pod' | 'podNamespace' | 'service' | 'maxOwners' | 'handoffDelayMs'>;
  kube: KubeClient;
  /** Namespaces that hold VSecMSecrets; repetitions do not matter. */
  namespaces: () => Iterable<string>;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

/** The agents of a Service as members, or this agent alone where there is no Service. */
export function createMembers(options: MembersOptions): Members {
  return options.config.service === '' ? alone(options) : shared(options);
}

function alone({ config, namespaces, log }: MembersOptions): Members {
  const ownership = new SoleOwnership({ node: config.node, namespaces });
  const run: Task = (signal) => {
    log.info('Role among the agents', { role: 'owner', members: 1, owners: 1 });
    return ownership.run(signal);
  };
  return { ownership, known: () => true, tasks: { ownership: run } };
}

function shared({ config, kube, namespaces, clock, random, log, metrics }: MembersOptions): Members {
  const { node, pod, podNamespace, service, maxOwners, handoffDelayMs } = config;
  const path = apiPath(
    { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
    podNamespace,
  );
  const parse = (object: unknown): Slice | undefined => parseSlice(object, service);
  let slices: Informer<Slice> | undefined;
  const ownership = new SharedOwnership({
    node,
    pod,
    maxOwners,
    handoffDelayMs,
    list: async (signal) => {
      const query = { labelSelector: sliceSelector(service) };
      const request = { method: 'GET', path, query, signal } as const;
      const { items = [] } = await kube.request<{ items?: unknown[] }>(request);
      return items.map(parse).filter((slice) => slice !== undefined);
    },
    watchedAt: () => slices?.confirmedAt,
    namespaces,
    clock,
    random,
    log,
    metrics,
  });
  const watch: Task = async (signal) => {
    const watched = new Informer<Slice>({
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
      onChange: () => watched.synced() && ownership.observe(watched.values()),
      log,
      metrics,
      clock,
      random,
    });
    const synced: Task = async (all) => {
      await watched.whenSynced(all);
      if (all.aborted) return;
      ownership.observe(watched.values());
      await once(all, 'abort');
    };
    slices = watched;
    try {
      await runTogether(signal, { watch: (all) => watched.run(all), synced });
    } finally {
      slices = undefined;
    }
  };
  return {
    ownership,
    known: () => ownership.role() !== undefined,
    tasks: {
      ownership: (signal) => ownership.run(signal),
      members: whileRole(ownership, ['owner', 'standby'], watch),
    },
  };
}
