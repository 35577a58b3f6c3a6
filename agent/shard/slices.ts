/** What membership needs of one endpoint: a pod of the agents' Service on a node. */
export interface Endpoint {
  readonly node: string;
  /** Name of the pod; undefined if the slice does not say. */
  readonly pod: string | undefined;
  /** Ready to serve, and not on its way out. */
  readonly ready: boolean;
  readonly terminating: boolean;
}

/** What is kept of an EndpointSlice. */
export interface Slice {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly endpoints: readonly Endpoint[];
}

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLER = 'endpointslice-controller.k8s.io';
const SERVICE = 'kubernetes.io/service-name';

/** Selects the slices that the endpointslice controller made for `service`; anyone may write others. */
export const sliceSelector = (service: string): string => `${MANAGED_BY}=${CONTROLLER},${SERVICE}=${service}`;

/**
 * Reads a `discovery.k8s.io/v1` EndpointSlice; undefined if it is not one of `service` by the endpointslice
 * controller. Endpoints without a node are left out. An absent `ready` means ready, as the API says; a
 * terminating pod is never ready here, whatever `publishNotReadyAddresses` makes of it.
 */
export function parseSlice(object: unknown, service: string): Slice | undefined {
  const metadata = record(record(object)['metadata']);
  const labels = record(metadata['labels']);
  const { namespace, name, uid, resourceVersion } = metadata;
  if (labels[MANAGED_BY] !== CONTROLLER || labels[SERVICE] !== service) return undefined;
  if (typeof namespace !== 'string' || typeof name !== 'string') return undefined;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: typeof uid === 'string' ? uid : '',
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
    endpoints: list(record(object)['endpoints']).flatMap(parseEndpoint),
  };
}

function parseEndpoint(value: unknown): Endpoint[] {
  const endpoint = record(value);
  const node = endpoint['nodeName'];
  if (typeof node !== 'string' || node === '') return [];
  const conditions = record(endpoint['conditions']);
  const target = record(endpoint['targetRef']);
  const terminating = conditions['terminating'] === true;
  const pod = target['kind'] === 'Pod' && typeof target['name'] === 'string' ? target['name'] : undefined;
  return [{ node, pod, ready: conditions['ready'] !== false && !terminating, terminating }];
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
