import type { ApiAnswer, ApiClient } from '../devcluster/api-client.ts';

export const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'] as const;
export type Workloads = (typeof WORKLOADS)[number];

const KINDS = { deployments: 'Deployment', statefulsets: 'StatefulSet', daemonsets: 'DaemonSet' } as const;

export const CONSENT = 'vsecm.com/allow-restart';

export const workloadsPath = (kind: Workloads, namespace: string, name = ''): string =>
  `/apis/apps/v1/namespaces/${namespace}/${kind}${name && `/${name}`}`;

/** A workload with one container. */
export const workload = (kind: Workloads, name: string, annotations: Record<string, string> = {}): any => ({
  apiVersion: 'apps/v1',
  kind: KINDS[kind],
  metadata: { name, labels: { app: name, tier: 'web' }, annotations: { theirs: 'x', ...annotations } },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name, tier: 'web' }, annotations: { theirs: 'x' } },
      spec: { containers: [{ name: 'main', image: 'example.com/main:1' }] },
    },
  },
});

/** The patch with which the agent marks a workload, as it sends it. */
export const marks = (
  agent: ApiClient,
  path: string,
  mark: string,
  value: string,
  resourceVersion?: string,
): Promise<ApiAnswer> =>
  agent.request(
    'PATCH',
    `${path}?fieldManager=vsecm-agent`,
    {
      metadata: { ...(resourceVersion !== undefined && { resourceVersion }) },
      spec: { template: { metadata: { annotations: { [mark]: value } } } },
    },
    { 'content-type': 'application/merge-patch+json' },
  );
