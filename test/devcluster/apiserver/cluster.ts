import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCluster } from '../../cluster.ts';
import { ApiClient } from '../api-client.ts';
import { apply } from '../apply.ts';
import { writeKubeconfig } from '../kubeconfig.ts';
import { reapOnCrash } from '../reaper.ts';
import { DevApiServer } from './server.ts';

/** Starts the development API server in this process, some 50 ms. */
export async function startDevCluster(): Promise<TestCluster> {
  const token = tokenFor('admin');
  const server = await DevApiServer.start(token);
  const folder = await mkdtemp(join(tmpdir(), 'vsecm-devcluster-'));
  const forget = reapOnCrash([], [folder]);
  const reach = { server: server.gate.url, caPem: server.gate.caPem };
  const admin = new ApiClient({ ...reach, token });
  const cluster: TestCluster = {
    kind: 'dev',
    admin,
    controls: server.gate.controls,
    dev: server,
    kubeconfig: await writeKubeconfig(folder, { ...reach, token }),
    request: (...request) => admin.request(...request),
    apply: (manifests, namespace) => apply(admin, manifests, namespace),
    async credentialsFor({ namespace, name }, pod) {
      await admin.ok('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`);
      const issued = tokenFor(`system:serviceaccount:${namespace}:${name}`, pod);
      server.admit(issued);
      return { ...reach, token: issued };
    },
    async kubeconfigFor(account, pod) {
      return writeKubeconfig(folder, await cluster.credentialsFor(account, pod));
    },
    kubectl: () => Promise.reject(new Error('kubectl works on the real control plane only')),
    async stop() {
      await admin.close();
      await server.gate.stop();
      await rm(folder, { recursive: true, force: true });
      forget();
    },
  };
  return cluster;
}

/** In the form of a ServiceAccount token, so that the gate can tell clients apart; nobody signs it. */
function tokenFor(subject: string, pod?: { name: string; uid: string }): string {
  const claims = { sub: subject, jti: randomBytes(16).toString('hex'), 'kubernetes.io': { pod } };
  return `dev.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.unsigned`;
}
