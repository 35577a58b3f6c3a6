import type { TestCluster } from '../cluster.ts';
import type { Watch } from '../devcluster/api-client.ts';

const NAMESPACE = 'vsecm-agent';
const SERVICE = 'vsecm-agent';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/**
 * Stands in for the endpointslice controller where kube-controller-manager does not run: keeps the slice of the
 * agents' Service in step with the pods that the Service selects. It shows them as the real one does, without
 * splitting them over several slices.
 */
export class EndpointSlices {
  readonly #cluster: TestCluster;
  readonly #service: any;
  readonly #watch: Watch;
  readonly #pods: Map<string, any>;
  #closed = false;
  #done: Promise<void> = Promise.resolve();

  private constructor(cluster: TestCluster, service: any, pods: any[], watch: Watch) {
    this.#cluster = cluster;
    this.#service = service;
    this.#watch = watch;
    this.#pods = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
  }

  /** The Service must exist. Resolves when the slice shows the pods that are there. */
  static async start(cluster: TestCluster): Promise<EndpointSlices> {
    const { admin } = cluster;
    const service = await admin.ok('GET', `/api/v1/namespaces/${NAMESPACE}/services/${SERVICE}`);
    const selector = Object.entries(service.spec.selector).map(([label, value]) => `${label}=${value}`);
    const query = `labelSelector=${encodeURIComponent(selector.join(','))}`;
    const { metadata, items } = await admin.ok('GET', `${PODS}?${query}`);
    const watch = await admin.watch(
      `${PODS}?watch=true&timeoutSeconds=7200&${query}&resourceVersion=${metadata.resourceVersion}`,
    );
    const slices = new EndpointSlices(cluster, service, items, watch);
    await slices.#write();
    slices.#done = slices.#follow();
    return slices;
  }

  /** Stops following; the slice stays as it is. @throws Error if it could not be kept in step */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    await this.#done;
  }

  async #follow(): Promise<void> {
    try {
      for (let event = await this.#watch.next(); event; event = await this.#watch.next()) {
        const { uid } = event.object.metadata;
        if (event.type === 'DELETED') this.#pods.delete(uid);
        else this.#pods.set(uid, event.object);
        await this.#write();
      }
      throw new Error('the watch on pods ended');
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }

  async #write(): Promise<void> {
    await this.#cluster.apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${SERVICE}-1`,
        namespace: NAMESPACE,
        labels: {
          ...this.#service.metadata.labels,
          'kubernetes.io/service-name': SERVICE,
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          'service.kubernetes.io/headless': '',
        },
      },
      addressType: 'IPv4',
      endpoints: [...this.#pods.values()].flatMap(endpointOf),
      ports: [],
    });
  }
}

/** Nothing for a pod that has no address yet, or has ended. */
function endpointOf({ metadata, spec, status }: any): object[] {
  if (!status?.podIP || status.phase === 'Succeeded' || status.phase === 'Failed') return [];
  const serving = (status.conditions ?? []).some((one: any) => one.type === 'Ready' && one.status === 'True');
  const terminating = metadata.deletionTimestamp !== undefined;
  const { name, namespace, uid } = metadata;
  return [
    {
      addresses: [status.podIP],
      conditions: { ready: serving && !terminating, serving, terminating },
      nodeName: spec.nodeName,
      targetRef: { kind: 'Pod', namespace, name, uid },
    },
  ];
}
