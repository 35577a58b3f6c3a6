import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hintFor, isOutside, REASONS, stageOf, type Code } from '../../agent/api/reasons.ts';
import type { VSecMSecret } from '../../agent/api/vsecmsecret.ts';
import { Agents } from '../../agent/cli/agents.ts';
import type { Cluster } from '../../agent/cli/cluster.ts';
import { explain } from '../../agent/cli/explanation.ts';

const empty = { agentPods: async () => [], slices: async () => [] } as unknown as Cluster;
const agents = await Agents.find(empty);

for (const code of Object.keys(REASONS) as Code[]) {
  test(`${code}: why has the status’s code and hint, and something to say about what happens next`, () => {
    const ready = isOutside(code);
    const resource: VSecMSecret = {
      apiVersion: 'vsecm.com/v1alpha1',
      kind: 'VSecMSecret',
      metadata: { name: 'db', namespace: 'team', uid: 'u', resourceVersion: '1', generation: 1 },
      spec: { refreshInterval: '90s', data: [{ key: 'a', ref: 'a.b' }] },
      status: {
        observedGeneration: 1,
        conditions: [
          {
            type: 'Ready',
            status: ready ? 'True' : 'False',
            reason: ready ? 'Synced' : code,
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
        node: 'node-1',
        failure: {
          stage: stageOf(code),
          code,
          message: 'm',
          hint: hintFor(code, {}),
          since: '2026-01-01T00:00:00Z',
        },
      },
    };
    const explanation = explain(resource, agents, { unreachable: 'not asked' });
    assert.deepEqual(explanation.failure, resource.status?.failure);
    assert.ok(explanation.summary.includes(code), explanation.summary);
    assert.equal(explanation.ready, ready);
    assert.match(explanation.next, /^(the agent|nothing until)/);
  });
}
