import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { addAgentPod, addNode } from '../cli/agent-pod.ts';
import { KubeletPort } from '../cli/kubelet-port.ts';
import { LogLines } from '../stage/log-lines.ts';
import { Fixture } from './fixture.ts';

const LOG = '/api/v1/namespaces/vsecm-agent/pods';
const log = new LogLines();
const kubelet = await KubeletPort.start();
kubelet.containers.set('vsecm-agent/on-here', { log });
log.write('{"msg":"one","level":"info"}\n{"msg":"two","level":"info"}\n');

const fixture = new Fixture(async (cluster) => {
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'vsecm-agent' } },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'vsecm-agent', namespace: 'vsecm-agent' },
    },
  ]);
  await addNode(cluster, 'here', kubelet);
  await addNode(cluster, 'nobody');
  for (const node of ['here', 'nobody'])
    await addAgentPod(cluster, { env: { NODE_NAME: node, POD_NAME: `on-${node}` } });
});

after(() => kubelet.close());

test('the log of a pod is what its kubelet answers, with the parameters passed on', async () => {
  const whole = await fixture.api.request('GET', `${LOG}/on-here/log?container=agent`);
  assert.equal(whole.status, 200);
  assert.equal(whole.body, '{"msg":"one","level":"info"}\n{"msg":"two","level":"info"}\n');
  const tail = await fixture.api.request('GET', `${LOG}/on-here/log?container=agent&tailLines=1`);
  assert.equal(tail.body, '{"msg":"two","level":"info"}\n');
});

test('without a kubelet the log of a pod is an error 500 without a reason, without a pod it is not found', async () => {
  const gone = await KubeletPort.start();
  await addNode(fixture.cluster, 'gone', gone);
  await gone.close();
  await addAgentPod(fixture.cluster, { env: { NODE_NAME: 'gone', POD_NAME: 'on-gone' } });
  for (const node of ['nobody', 'gone']) {
    const { status, body } = await fixture.api.request('GET', `${LOG}/on-${node}/log?container=agent`);
    assert.deepEqual([node, status, body.kind, body.reason], [node, 500, 'Status', undefined]);
  }
  assert.equal((await fixture.api.request('GET', `${LOG}/on-moon/log`)).status, 404);
});
