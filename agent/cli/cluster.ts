import { GROUP, KIND, PLURAL, VERSION, type VSecMSecret } from '../api/vsecmsecret.ts';
import type { Access } from '../kube/access.ts';
import type { KubeClient } from '../kube/client.ts';
import { apiPath } from '../kube/path.ts';
import { parseSlice, sliceSelector, type Slice } from '../shard/slices.ts';
import type { UsingPod } from './old-pods.ts';
import { asking } from './refused.ts';

/** A Pod, as much of it as the commands look at. */
export interface RawPod {
  metadata: { name: string; deletionTimestamp?: string };
  spec?: { nodeName?: string; containers?: { name: string; env?: { name: string; value?: string }[] }[] };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}

const VSS = { group: GROUP, version: VERSION, resource: PLURAL };
const PODS = { group: '', version: 'v1', resource: 'pods' };
const RBAC_NAME = `${PLURAL}.${GROUP}`;
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

/** What the commands ask of the API server. Secrets are not among it. Every method throws `Refused`. */
export class Cluster {
  readonly client: KubeClient;
  readonly access: Access;
  /** Where the agents are. */
  readonly agentNamespace: string;

  constructor(options: { client: KubeClient; access: Access; agentNamespace: string }) {
    this.client = options.client;
    this.access = options.access;
    this.agentNamespace = options.agentNamespace;
  }

  resource(namespace: string, name: string): Promise<VSecMSecret> {
    return asking({ verb: 'get', resource: RBAC_NAME, namespace, name }, () =>
      this.client.request<VSecMSecret>({ method: 'GET', path: apiPath(VSS, namespace, name) }),
    );
  }

  /** Of one namespace, or of all, with the version that a watch can go on from. */
  async resources(namespace: string | undefined): Promise<{ items: VSecMSecret[]; resourceVersion: string }> {
    const list = await asking({ verb: 'list', resource: RBAC_NAME, namespace }, () =>
      this.client.request<{ items?: VSecMSecret[]; metadata?: { resourceVersion?: string } }>({
        method: 'GET',
        path: apiPath(VSS, namespace),
      }),
    );
    return { items: list.items ?? [], resourceVersion: list.metadata?.resourceVersion ?? '' };
  }

  /** Changes after `resourceVersion`, until the server ends the watch. */
  async *changes(
    namespace: string | undefined,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<VSecMSecret, void, undefined> {
    const query = { watch: true, resourceVersion, allowWatchBookmarks: true };
    const events = this.client.stream(apiPath(VSS, namespace), query, { signal, silenceMs: 120_000 });
    for await (const { type, object } of events) if (type === 'MODIFIED') yield object as VSecMSecret;
  }

  annotate(namespace: string, name: string, annotations: Record<string, string>): Promise<VSecMSecret> {
    return asking({ verb: 'patch', resource: RBAC_NAME, namespace, name }, () =>
      this.client.request<VSecMSecret>({
        method: 'PATCH',
        path: apiPath(VSS, namespace, name),
        query: { fieldManager: 'kubectl-vsecm' },
        body: { metadata: { annotations } },
        contentType: MERGE,
      }),
    );
  }

  /** What an apply would come to; the server stores nothing. */
  tryOut(namespace: string, name: string, object: object): Promise<VSecMSecret> {
    return asking({ verb: 'patch', resource: RBAC_NAME, namespace, name }, () =>
      this.client.request<VSecMSecret>({
        method: 'PATCH',
        path: apiPath(VSS, namespace, name),
        query: { fieldManager: 'kubectl-vsecm', force: true, dryRun: 'All' },
        body: { ...object, apiVersion: `${GROUP}/${VERSION}`, kind: KIND },
        contentType: APPLY,
      }),
    );
  }

  async pods(namespace: string): Promise<UsingPod[]> {
    const { items = [] } = await asking({ verb: 'list', resource: 'pods', namespace }, () =>
      this.client.request<{ items?: UsingPod[] }>({ method: 'GET', path: apiPath(PODS, namespace) }),
    );
    return items;
  }

  async agentPods(): Promise<RawPod[]> {
    const { agentNamespace: namespace } = this;
    const { items = [] } = await asking({ verb: 'list', resource: 'pods', namespace }, () =>
      this.client.request<{ items?: RawPod[] }>({
        method: 'GET',
        path: apiPath(PODS, namespace),
        query: { labelSelector: 'app.kubernetes.io/name=vsecm-agent' },
      }),
    );
    return items;
  }

  /** The EndpointSlices of the agents' Service. */
  async slices(service: string): Promise<Slice[]> {
    const { agentNamespace: namespace } = this;
    const resource = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
    const asked = { verb: 'list', resource: 'endpointslices.discovery.k8s.io', namespace };
    const { items = [] } = await asking(asked, () =>
      this.client.request<{ items?: unknown[] }>({
        method: 'GET',
        path: apiPath(resource, namespace),
        query: { labelSelector: sliceSelector(service) },
      }),
    );
    return items.map((item) => parseSlice(item, service)).filter((slice) => slice !== undefined);
  }

  /** Lines of an agent's log; with `follow` until the pod ends. */
  async *podLog(
    pod: string,
    options: { follow: boolean; signal: AbortSignal; tailLines?: number; sinceSeconds?: number },
  ): AsyncGenerator<string, void, undefined> {
    const { agentNamespace: namespace } = this;
    const { signal, ...query } = options;
    const lines = this.client.lines(
      apiPath(PODS, namespace, pod, 'log'),
      { container: 'agent', ...query },
      { accept: '*/*', signal, silenceMs: options.follow ? Infinity : 30_000 },
    );
    const asked = { verb: 'get', resource: 'pods/log', namespace, name: pod };
    try {
      for (;;) {
        const next = await asking(asked, () => lines.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await lines.return();
    }
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}
