import type { TestCluster } from '../cluster.ts';
import type { RequestRecord } from '../devcluster/request-record.ts';

/** The agents' own account, also as the gate names it. */
export const ACCOUNT = { namespace: 'vsecm-agent', name: 'vsecm-agent' };
const USER = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`;

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** `NAMESPACE VERB GROUP/RESOURCE[/SUBRESOURCE]`; the namespace is `*` for all. */
export type Permission = string;

/** What the roles give that are bound to the agents' account by name; what every account may do is not among it. */
export async function grantedTo(cluster: TestCluster): Promise<Permission[]> {
  const granted: Permission[] = [];
  for (const kind of ['clusterrolebindings', 'rolebindings']) {
    const { items } = await cluster.admin.ok('GET', `${RBAC}/${kind}`);
    for (const { metadata, roleRef, subjects = [] } of items) {
      const names = subjects.some(
        (one: any) =>
          one.kind === 'ServiceAccount' && one.namespace === ACCOUNT.namespace && one.name === ACCOUNT.name,
      );
      if (!names) continue;
      const role =
        roleRef.kind === 'Role'
          ? `${RBAC}/namespaces/${metadata.namespace}/roles/${roleRef.name}`
          : `${RBAC}/clusterroles/${roleRef.name}`;
      for (const { apiGroups, resources, verbs } of (await cluster.admin.ok('GET', role)).rules) {
        for (const group of apiGroups) {
          for (const resource of resources) {
            for (const verb of verbs)
              granted.push(`${metadata.namespace ?? '*'} ${verb} ${group || 'core'}/${resource}`);
          }
        }
      }
    }
  }
  return granted.toSorted();
}

/**
 * What the agents' requests needed, of those that came through the gate from number `from` on. Namespaces under
 * `*` are those that a role for all of them covers.
 */
export function neededBy(cluster: TestCluster, granted: readonly Permission[], from = 0): Permission[] {
  const needed = new Set<Permission>();
  for (const request of cluster.controls.requests.slice(from)) {
    if (!request.client.startsWith(USER)) continue;
    for (const verb of verbsOf(request)) {
      const what = `${verb} ${request.group || 'core'}/${request.resource}${request.subresource && `/${request.subresource}`}`;
      const here = `${request.namespace || '*'} ${what}`;
      needed.add(granted.includes(here) ? here : granted.includes(`* ${what}`) ? `* ${what}` : here);
    }
  }
  return [...needed].toSorted();
}

/** An apply needs `create` too where the object was absent. */
const verbsOf = ({ verb, apply, status }: RequestRecord): string[] =>
  apply && status === 201 ? [verb, 'create'] : [verb];

/** Requests of the agents that were refused for lack of a right. */
export const refused = (cluster: TestCluster, from = 0): RequestRecord[] =>
  cluster.controls.requests.slice(from).filter(isRefused);

/** Waits for `work`, or until the agents are refused something, which is then the error. */
export async function allowed<T>(cluster: TestCluster, work: Promise<T>): Promise<T> {
  const refusal = cluster.controls.next(isRefused).then(({ verb, resource, subresource, namespace }) => {
    throw new Error(`forbidden: ${[verb, resource, subresource, namespace].filter(Boolean).join(' ')}`);
  });
  return Promise.race([work, refusal]);
}

const isRefused = ({ client, status }: RequestRecord): boolean =>
  client.startsWith(USER) && (status === 401 || status === 403);

/** The rights in one namespace, without its name. */
export const rightsOf = (permissions: readonly Permission[], namespace: string): string[] =>
  permissions.filter((one) => one.startsWith(`${namespace} `)).map((one) => one.slice(namespace.length + 1));
