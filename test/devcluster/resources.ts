/** One kind of object that an API server stores. */
export interface Resource {
  /** '' for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Has a `status` that only the status subresource writes. */
  status: boolean;
}

const namespaced = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  status = false,
): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
  status,
});
const clusterWide = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  status = false,
): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced: false,
  status,
});

/** The built-in kinds that the agent, its manifests and its tests touch. */
export const BUILT_IN: readonly Resource[] = [
  clusterWide('', 'v1', 'namespaces', 'Namespace', true),
  clusterWide('', 'v1', 'nodes', 'Node', true),
  namespaced('', 'v1', 'secrets', 'Secret'),
  namespaced('', 'v1', 'configmaps', 'ConfigMap'),
  namespaced('', 'v1', 'pods', 'Pod', true),
  namespaced('', 'v1', 'services', 'Service', true),
  namespaced('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  namespaced('apps', 'v1', 'daemonsets', 'DaemonSet', true),
  namespaced('apps', 'v1', 'deployments', 'Deployment', true),
  namespaced('apps', 'v1', 'statefulsets', 'StatefulSet', true),
  namespaced('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  namespaced('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  namespaced('events.k8s.io', 'v1', 'events', 'Event'),
  namespaced('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'),
  namespaced('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', true),
  namespaced('rbac.authorization.k8s.io', 'v1', 'roles', 'Role'),
  namespaced('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'),
  clusterWide('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole'),
  clusterWide('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding'),
  clusterWide(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    true,
  ),
  clusterWide(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
  ),
  clusterWide('apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition', true),
  clusterWide('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass'),
];

/** `v1`, or `group/version`. */
export const apiVersionOf = (resource: Resource): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;

/** The path of a collection, or with `name` of one object. */
export function resourcePath(resource: Resource, namespace?: string, name?: string): string {
  const root =
    resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${resource.plural}${name === undefined ? '' : `/${name}`}`;
}

/** What a CustomResourceDefinition makes the server store: one entry per served version. */
export function resourcesOfCrd(crd: any): Resource[] {
  return crd.spec.versions
    .filter((version: any) => version.served)
    .map((version: any) => ({
      group: crd.spec.group,
      version: version.name,
      plural: crd.spec.names.plural,
      kind: crd.spec.names.kind,
      namespaced: crd.spec.scope === 'Namespaced',
      status: version.subresources?.status !== undefined,
    }));
}
