import type { TestCluster } from '../cluster.ts';
import { MERGE } from '../devcluster/api-client.ts';
import type { RunningAgent } from '../stage/agents.ts';
import { shippedDaemonSet } from '../stage/kubelet.ts';
import type { KubeletPort } from './kubelet-port.ts';

/** What of the agent's environment a pod's spec shows here. */
const TOLD = ['VSECM_AGENT_SERVICE', 'VSECM_SAFE_ENDPOINT_URL', 'VSECM_AGENT_MAX_OWNERS'];
const PODS = '/api/v1/namespaces/vsecm-agent/pods';

/** A Node whose kubelet is `kubelet`; without one, a Node that nobody answers for. */
export async function addNode(cluster: TestCluster, node: string, kubelet?: KubeletPort): Promise<void> {
  await cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
  if (kubelet !== undefined) await patchStatus(cluster, `/api/v1/nodes/${node}`, kubelet.nodeStatus);
}

/** The Pod of an agent, as the DaemonSet controller makes it, with the agent's environment where it is plain text. */
export async function addAgentPod(
  cluster: TestCluster,
  { env }: Pick<RunningAgent, 'env'>,
  { ready = true, ip = '10.244.1.7' }: { ready?: boolean; ip?: string } = {},
): Promise<void> {
  const { NODE_NAME: nodeName = '', POD_NAME: name = '' } = env;
  const { labels, spec } = await shippedDaemonSet();
  const [container] = spec.containers;
  const set = container.env.filter(
    (entry: any) => env[entry.name] === undefined || entry.valueFrom !== undefined,
  );
  const told = TOLD.flatMap((one) => (env[one] === undefined ? [] : [{ name: one, value: env[one] }]));
  await cluster.admin.ok('POST', PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'vsecm-agent', labels },
    spec: {
      ...spec,
      nodeName,
      containers: [
        { ...container, env: [...set.filter((entry: any) => !TOLD.includes(entry.name)), ...told] },
      ],
    },
  });
  const state = ready ? 'True' : 'False';
  await patchStatus(cluster, `${PODS}/${name}`, {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: state, lastTransitionTime: new Date().toISOString() }],
  });
}

const patchStatus = (cluster: TestCluster, path: string, status: object): Promise<unknown> =>
  cluster.admin.ok('PATCH', `${path}/status`, { status }, { 'content-type': MERGE });
