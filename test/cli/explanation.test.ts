import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VSecMSecret, VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { Agents } from '../../agent/cli/agents.ts';
import type { Cluster } from '../../agent/cli/cluster.ts';
import { explain, type Explanation } from '../../agent/cli/explanation.ts';

const READY = {
  type: 'Ready' as const,
  status: 'True' as const,
  reason: 'Synced',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};

/** Agents on these nodes, each serving all namespaces, so that only a single one is the owner. */
const onNodes = (...nodes: [node: string, ready: boolean][]): Promise<Agents> =>
  Agents.find({
    agentPods: async () =>
      nodes.map(([nodeName, ready]) => ({
        metadata: { name: `pod-${nodeName}` },
        spec: { nodeName, containers: [{ name: 'agent', env: [{ name: 'VSECM_AGENT_SERVICE' }] }] },
        status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
      })),
    slices: async () => [],
  } as unknown as Cluster);

async function explained(status: VSecMSecretStatus, agents: Agents): Promise<Explanation> {
  const resource: VSecMSecret = {
    apiVersion: 'vsecm.com/v1alpha1',
    kind: 'VSecMSecret',
    metadata: { name: 'db', namespace: 'team', uid: 'u', resourceVersion: '1', generation: 3 },
    spec: { data: [{ key: 'a', ref: 'a.b' }] },
    status,
  };
  return explain(resource, agents, { unreachable: 'not asked' });
}

test('a status about an older version is said to be one, and whose turn it is', async () => {
  const status = { observedGeneration: 2, conditions: [READY], node: 'node-1' };
  const { summary, next, pod } = await explained(status, await onNodes(['node-1', false]));
  assert.equal(summary, 'ready (this is about an older version of the resource)');
  assert.match(
    next,
    /^the agent has not looked at this version yet; .*; namespace team belongs to the agent on node-1, which is not ready$/,
  );
  assert.equal(pod, 'pod-node-1');
});

test('a new resource without any agent says that none runs', async () => {
  const { summary, next, ready } = await explained({ observedGeneration: -1 }, await onNodes());
  assert.equal(summary, 'not ready: no agent has said anything about it yet');
  assert.match(next, /; but no agent runs: kubectl get pods -n vsecm-agent$/);
  assert.equal(ready, false);
});

test('while the owner is not known, the pod is the one on the node that the status names', async () => {
  const status = { observedGeneration: 3, conditions: [READY], node: 'node-2' };
  const { owner, pod, next } = await explained(status, await onNodes(['node-1', true], ['node-2', true]));
  assert.deepEqual([owner, pod], [undefined, 'pod-node-2']);
  assert.match(next, /^Safe is asked again within 1h /);
});

test('content that is older than maxStaleness allows is said to be so', async () => {
  const stale = { ...READY, type: 'Fresh' as const, status: 'False' as const, reason: 'SafeUnreachable' };
  const failure = {
    stage: 'connect' as const,
    code: 'SafeUnreachable' as const,
    message: 'm',
    hint: 'h',
    since: '2026-01-01T00:00:00Z',
  };
  const status = { observedGeneration: 3, conditions: [READY, stale], node: 'node-1', failure };
  const { summary } = await explained(status, await onNodes(['node-1', true]));
  assert.equal(
    summary,
    'ready, but Safe has not confirmed it lately: SafeUnreachable, and its content is older than maxStaleness allows',
  );
});
