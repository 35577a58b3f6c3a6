import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { everyDuty, eventOf } from '../stage/every-duty.ts';
import { allowed, grantedTo, neededBy, refused, type Permission } from '../stage/permissions.ts';
import { FAST, Stage } from '../stage/stage.ts';
import { sliceOf } from './agents-slice.ts';

const FAST_AGENT = { pace: FAST, floorMs: 50 };

// In order: the second test looks at what the first one had the agent ask for.
describe('the roles of daemonset/21-rbac.yaml', { timeout: 180_000 }, () => {
  let stage: Stage;
  let agent: RunningAgent;
  let granted: Permission[];
  let from: number;
  before(async () => {
    stage = await Stage.start({ kind: 'real' });
    granted = await grantedTo(stage.cluster);
    // After that the stage has tried the admission policy with the agent's token.
    from = stage.cluster.controls.requests.length;
    await stage.namespace('shop');
  });
  after(async () => {
    await agent?.stop();
    await stage?.close();
  });

  test('allow all that an agent among others asks for, with servers old and new', async () => {
    const { cluster } = stage;
    await cluster.apply(sliceOf('node-1', 'vsecm-agent-node-1'));
    // Servers before 1.27 do not stream the initial state.
    const isOld = cluster.controls.fail((request) => request.query.has('sendInitialEvents'), {
      status: 422,
      reason: 'Invalid',
    });
    agent = startInProcess(await stage.join('node-1', { VSECM_AGENT_SERVICE: 'vsecm-agent' }), FAST_AGENT);
    await allowed(
      cluster,
      agent.log.when(({ msg }) => msg === 'VSecMSecrets and Secrets are known'),
    );
    isOld();
    await allowed(cluster, everyDuty(stage, 'shop'));
    await stage.safe.stop();
    await cluster.admin.ok(
      'PATCH',
      '/apis/vsecm.com/v1alpha1/namespaces/shop/vsecmsecrets/owned',
      { metadata: { annotations: { 'vsecm.com/refresh': 'now' } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await allowed(cluster, eventOf(stage, 'vsecm-agent', 'vsecm-agent-node-1'));
    assert.deepEqual(refused(cluster, from), []);
  });

  test('allow nothing that it does not ask for', () => {
    assert.ok(granted.includes('* delete core/secrets'), 'the roles were found');
    assert.deepEqual(neededBy(stage.cluster, granted, from), granted);
  });
});
