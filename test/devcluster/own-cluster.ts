import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestCluster } from '../cluster.ts';
import { apply } from './apply.ts';
import { GateControls } from './gate-controls.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { OwnControlPlane } from './own-control-plane.ts';

/** A control plane of one's own as tests know a cluster, without a gate: its `controls` see and do nothing. */
export function ownCluster(
  plane: OwnControlPlane,
  server = `https://127.0.0.1:${plane.ports[0]}`,
): TestCluster {
  const cluster: TestCluster = {
    kind: 'real',
    controls: new GateControls(),
    kubeconfig: join(plane.folder, 'none'),
    get admin() {
      return plane.admin;
    },
    request: (...request) => plane.admin.request(...request),
    apply: (manifests, namespace) => apply(plane.admin, manifests, namespace),
    async credentialsFor({ namespace, name }) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const spec = { expirationSeconds: 7200 };
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
      const { status } = await plane.admin.ok('POST', path, request);
      return { server, caPem: plane.ca.certPem, token: status.token };
    },
    kubeconfigFor: async (account) => writeKubeconfig(plane.folder, await cluster.credentialsFor(account)),
    kubectl: () => Promise.reject(new Error('there is no kubectl here')),
    stop: () => plane.stop(),
  };
  return cluster;
}

/** A kubeconfig that names files for CA and token, as a pod's are, and a function that writes them anew. */
export async function mountedKubeconfig(
  cluster: TestCluster,
  folder: string,
  account: { namespace: string; name: string },
): Promise<{ kubeconfig: string; mount: () => Promise<void> }> {
  const [ca, token] = [join(folder, 'mounted-ca.crt'), join(folder, 'mounted-token')];
  let server = '';
  const mount = async (): Promise<void> => {
    const credentials = await cluster.credentialsFor(account);
    server = credentials.server;
    await writeFile(ca, credentials.caPem);
    await writeFile(token, credentials.token ?? '');
  };
  await mount();
  const kubeconfig = join(folder, 'mounted-kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server, 'certificate-authority': ca } }],
      users: [{ name: 'c', user: { tokenFile: token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    }),
  );
  return { kubeconfig, mount };
}
