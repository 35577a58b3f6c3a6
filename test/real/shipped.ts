import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../devcluster/api-client.ts';
import type { TestCluster } from '../cluster.ts';

/** The folder that users apply. */
export const SHIPPED = fileURLToPath(new URL('../../daemonset', import.meta.url));

/**
 * As much of SPIRE's ClusterSPIFFEID as the shipped one uses. Its kind comes with VSecM's
 * spire-controller-manager, which a bare API server lacks.
 */
export const CLUSTER_SPIFFE_ID_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'clusterspiffeids.spire.spiffe.io' },
  spec: {
    group: 'spire.spiffe.io',
    names: {
      kind: 'ClusterSPIFFEID',
      listKind: 'ClusterSPIFFEIDList',
      plural: 'clusterspiffeids',
      singular: 'clusterspiffeid',
    },
    scope: 'Cluster',
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['spiffeIDTemplate'],
                properties: {
                  className: { type: 'string' },
                  spiffeIDTemplate: { type: 'string' },
                  namespaceSelector: selector(),
                  podSelector: selector(),
                  workloadSelectorTemplates: { type: 'array', items: { type: 'string' } },
                },
              },
            },
          },
        },
      },
    ],
  },
};

function selector(): object {
  return {
    type: 'object',
    properties: { matchLabels: { type: 'object', additionalProperties: { type: 'string' } } },
  };
}

/** `kubectl apply -f daemonset` on a cluster that has SPIRE's CRD. */
export async function installShipped(
  cluster: TestCluster,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  await cluster.apply(CLUSTER_SPIFFE_ID_CRD);
  return cluster.kubectl(['apply', '-f', SHIPPED]);
}

/** `kubectl apply -k` of a Kustomization beside the folder that takes in one of the optional components. */
export async function installWith(
  cluster: TestCluster,
  component: string,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  await cluster.apply(CLUSTER_SPIFFE_ID_CRD);
  const folder = await mkdtemp(join(tmpdir(), 'vsecm-component-'));
  try {
    const shipped = relative(folder, SHIPPED);
    await writeFile(
      join(folder, 'kustomization.yaml'),
      `resources: [${shipped}]\ncomponents: [${shipped}/optional/${component}]\n`,
    );
    return await cluster.kubectl(['apply', '-k', folder]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A client under the agent's own ServiceAccount; the caller closes it. */
export async function agentClient(cluster: TestCluster): Promise<ApiClient> {
  const path = await cluster.kubeconfigFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' });
  const { users, clusters } = JSON.parse(await readFile(path, 'utf8'));
  const ca = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64').toString();
  return new ApiClient({ server: clusters[0].cluster.server, caPem: ca, token: users[0].user.token });
}

/** Asks again until `good`, for what the API server takes up with a delay; the last answer either way. */
export async function eventually<T>(
  ask: () => Promise<T>,
  good: (answer: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (good(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
