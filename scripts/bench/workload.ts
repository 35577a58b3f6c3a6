import type { TestCluster } from '../../test/cluster.ts';
import type { DevSafe } from '../../test/devcluster/safe.ts';

/** A VSecMSecret, as far as the benchmark looks at it. */
export interface Declared {
  apiVersion?: string;
  kind?: string;
  metadata: { namespace: string; name: string; uid?: string };
  spec: { refreshInterval: string; data: { key: string; ref: string }[] };
  status?: object;
}

export interface WorkloadOptions {
  /** Begins the names of its namespaces. */
  prefix: string;
  resources: number;
  secrets: number;
  secretBytes: number;
  namespaces: number;
  refreshInterval: string;
}

/**
 * VSecMSecrets of two keys each, spread over namespaces and over secrets of Safe, which are granted to just
 * the namespaces that use them.
 */
export class Workload {
  readonly resources: readonly Declared[];
  readonly namespaces: readonly string[];
  readonly #options: WorkloadOptions;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { prefix, resources, secrets, namespaces, refreshInterval } = options;
    this.namespaces = Array.from({ length: namespaces }, (_, i) => `${prefix}-${i}`);
    this.resources = Array.from({ length: resources }, (_, i) => ({
      apiVersion: 'vsecm.com/v1alpha1',
      kind: 'VSecMSecret',
      metadata: { namespace: this.namespaces[i % namespaces]!, name: `app-${i}` },
      spec: {
        refreshInterval,
        data: ['username', 'password'].map((key) => ({
          key,
          ref: `${prefix}-${i % secrets}.cocaCola.data.${key}`,
        })),
      },
    }));
  }

  /** Registers the secrets in Safe. Not over the wire: that would be one TLS handshake for each. */
  register({ store }: DevSafe): void {
    const { prefix, resources, secrets, secretBytes, namespaces } = this.#options;
    store.register({
      name: 'raw:vsecm-agent-placeholder',
      value: 'placeholder',
      namespaces: ['vsecm-agent'],
    });
    for (let i = 0; i < secrets; i++) {
      const users = Array.from(
        { length: Math.ceil((resources - i) / secrets) },
        (_, turn) => this.namespaces[(i + turn * secrets) % namespaces]!,
      );
      const value = valueOf(`${prefix}-${i}`, secretBytes);
      store.register({ name: `raw:${prefix}-${i}`, value, namespaces: [...new Set(users)] });
    }
  }

  async createNamespaces({ admin }: TestCluster): Promise<void> {
    await inParallel(this.namespaces, async (name) => {
      await admin.ok('POST', '/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
    });
  }

  /** Creates its resources from `from` to before `to`; resolves to them as stored. */
  async create({ admin }: TestCluster, from = 0, to = this.resources.length): Promise<Declared[]> {
    return inParallel(this.resources.slice(from, to), async (resource): Promise<Declared> =>
      admin.ok('POST', pathOf(resource), resource),
    );
  }
}

/** The path of the collection that a resource is in. */
const pathOf = ({ metadata }: Declared): string =>
  `/apis/vsecm.com/v1alpha1/namespaces/${metadata.namespace}/vsecmsecrets`;

/** A document of so many bytes; the resources use two of its values. */
function valueOf(name: string, bytes: number): string {
  const data = { username: name, password: `pass-${name}`, other: '' };
  const value = (): string => JSON.stringify({ cocaCola: { data } });
  data.other = 'x'.repeat(Math.max(0, bytes - value().length));
  return value();
}

/** Runs `work` on all items, `width` at a time; the results in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
  width = 32,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!, i);
  };
  await Promise.all(Array.from({ length: width }, run));
  return results;
}
