import { DEFAULT_PAGE_PORT } from '../../agent/api/state.ts';
import type { TestCluster } from '../cluster.ts';
import { MERGE } from '../devcluster/api-client.ts';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { shippedDaemonSet } from '../stage/kubelet.ts';
import { FAST, type Stage } from '../stage/stage.ts';
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

/** Agents in this process that share the namespaces: each with its Node and Pod, and the slice that holds them. */
export async function startAgents(
  stage: Stage,
  nodes: readonly string[],
  options: { kubelet?: KubeletPort; env?: Record<string, string> } = {},
): Promise<RunningAgent[]> {
  const { cluster } = stage;
  const { kubelet, env } = options;
  await cluster.apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'vsecm-agent-1',
      namespace: 'vsecm-agent',
      labels: {
        'kubernetes.io/service-name': 'vsecm-agent',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    },
    addressType: 'IPv4',
    endpoints: nodes.map((nodeName, index) => ({
      addresses: [`10.244.${index + 1}.7`],
      nodeName,
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `vsecm-agent-${nodeName}`, namespace: 'vsecm-agent' },
    })),
    ports: [],
  });
  const agents: RunningAgent[] = [];
  for (const [index, node] of nodes.entries()) {
    await addNode(cluster, node, kubelet);
    const agent = startInProcess(await stage.join(node, { ...env, VSECM_AGENT_SERVICE: 'vsecm-agent' }), {
      pace: FAST,
      floorMs: 50,
    });
    agents.push(agent);
    const started = await agent.log.when(({ msg }) => msg === 'Agent started');
    const ports = new Map([[DEFAULT_PAGE_PORT, started['pagePort'] as number]]);
    kubelet?.containers.set(`vsecm-agent/vsecm-agent-${node}`, { log: agent.log, ports });
    await addAgentPod(cluster, agent, { ip: `10.244.${index + 1}.7` });
  }
  return agents;
}

const patchStatus = (cluster: TestCluster, path: string, status: object): Promise<unknown> =>
  cluster.admin.ok('PATCH', `${path}/status`, { status }, { 'content-type': MERGE });
