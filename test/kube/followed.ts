import type { TestContext } from 'node:test';
import { KubeClient } from '../../agent/kube/client.ts';
import { Informer } from '../../agent/kube/informer.ts';
import type { Stored } from '../../agent/kube/source.ts';
import { createLog, type LogFields } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { FakeClock } from '../fake-clock.ts';
import { folder, until, Wire, writeConfig } from './wire.ts';

export const PATH = '/apis/vsecm.com/v1alpha1';

export interface Thing extends Stored {
  color: string;
}

export function thing(
  name: string,
  resourceVersion: number,
  more: { namespace?: string; color?: string } = {},
) {
  const { namespace = 'ns', color = 'red' } = more;
  return {
    metadata: { namespace, name, uid: `uid-${name}`, resourceVersion: String(resourceVersion) },
    spec: { color },
  };
}

export const event = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ReturnType<typeof thing>) => ({
  type,
  object,
});

export const bookmark = (resourceVersion: number, end = false) => ({
  type: 'BOOKMARK',
  object: {
    metadata: {
      resourceVersion: String(resourceVersion),
      ...(end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  },
});

export const list = (resourceVersion: number, items: object[], more?: string) => ({
  metadata: { resourceVersion: String(resourceVersion), ...(more === undefined ? {} : { continue: more }) },
  items,
});

export interface FollowOptions {
  namespaces?: string[];
  metadataOnly?: boolean;
  labelSelector?: string;
  onRewound?: () => void;
  /** Default 0: no delays. */
  random?: number;
  pageSize?: number;
  onChange?: (key: string) => void;
  /** The version that the server has when it is asked before a watch is resumed; default: a new one. */
  version?: () => number;
}

type Line = LogFields & { level: string; msg: string };

/** An informer that runs against a server that does what the test says, until the test ends. */
export async function follow(t: TestContext, options: FollowOptions = {}) {
  const { namespaces = [], metadataOnly = false, labelSelector, random = 0, pageSize = 2 } = options;
  const wire = await Wire.start(t);
  wire.takeAside((asked) => {
    if (asked.query.get('limit') !== '1' || asked.query.has('continue')) return false;
    asked.answer(200, list(options.version?.() ?? 1_000_000, []));
    return true;
  });
  const clock = new FakeClock();
  const metrics = createMetrics();
  const kubeconfig = await writeConfig(await folder(t), { server: `http://127.0.0.1:${wire.port}` });
  const client = await KubeClient.load({ kubeconfig, metrics, clock });
  const lines: Line[] = [];
  /** `+name`, `-name` and `~name before→now`, as they were told. */
  const changes: string[] = [];
  const informer = new Informer<Thing>({
    client,
    source: {
      name: 'things',
      path: (namespace) =>
        namespace === undefined ? `${PATH}/things` : `${PATH}/namespaces/${namespace}/things`,
      namespaces,
      metadataOnly,
      ...(labelSelector === undefined ? {} : { labelSelector }),
      parse,
    },
    onChange(now, before, key) {
      changes.push(
        now === undefined
          ? `-${key}`
          : before === undefined
            ? `+${key}`
            : `~${key} ${before.color}→${now.color}`,
      );
      options.onChange?.(key);
    },
    ...(options.onRewound && { onRewound: options.onRewound }),
    log: createLog('info', {}, { write: (line) => lines.push(JSON.parse(line)) }),
    metrics,
    clock,
    pageSize,
    random: () => random,
  });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  t.after(async () => {
    await end();
    await client.close();
  });
  return {
    wire,
    clock,
    informer,
    changes,
    lines,
    stop,
    end,
    restarts: async () =>
      (await metrics.registry.metrics()).split('\n').filter((line) => line.includes('watch_restarts_total{')),
    /** Takes what was told so far, once there is as much as is wanted. */
    async told(...wanted: string[]): Promise<string[]> {
      await until(() => changes.length >= wanted.length);
      return changes.splice(0);
    },
    /** Follows the first watch to the end of its initial state. */
    async start(...objects: ReturnType<typeof thing>[]) {
      const watch = await wire.next();
      watch.events(...objects.map((object) => event('ADDED', object)), bookmark(10, true));
      await informer.whenSynced(stop.signal);
      changes.splice(0);
      return watch;
    },
  };
}

function parse(object: unknown): Thing | undefined {
  const { metadata, spec } = object as ReturnType<typeof thing>;
  if (spec.color === 'none') return undefined;
  if (spec.color === 'broken') throw new TypeError('s3cr3t');
  return { ...metadata, key: `${metadata.namespace}/${metadata.name}`, color: spec.color };
}
