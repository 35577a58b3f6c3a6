import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { clusterKind } from '../cluster.ts';
import { MERGE, type ApiClient } from '../devcluster/api-client.ts';
import { awaitObject } from '../stage/await-object.ts';
import { EndpointSlices } from '../stage/endpoint-slices.ts';
import { shippedDaemonSet } from '../stage/kubelet.ts';
import { Stage } from '../stage/stage.ts';
import { eventually } from '../stage/witness.ts';
import { sliceSelector } from '../../agent/shard/slices.ts';

// On the development cluster the stand-in, on the real one kube-controller-manager, if it is there.

const PODS = '/api/v1/namespaces/vsecm-agent/pods';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/vsecm-agent/endpointslices';

let stage: Stage;
let api: ApiClient;
let standIn: EndpointSlices | undefined;
let slice: string;
before(async () => {
  const assets = clusterKind() === 'real' ? await controlPlaneAssets() : undefined;
  const controllers = assets !== undefined && 'folder' in assets && assets.controllers;
  stage = await Stage.start({ controllers });
  api = stage.cluster.admin;
  if (!controllers) standIn = await EndpointSlices.start(stage.cluster);
  for (const name of ['node-1', 'node-2'])
    await stage.cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  slice = await eventually('a slice of the Service', async () => {
    const query = `labelSelector=${encodeURIComponent(sliceSelector('vsecm-agent'))}`;
    return (await api.ok('GET', `${SLICES}?${query}`)).items[0]?.metadata.name;
  });
});
after(async () => {
  await standIn?.close();
  await stage?.close();
});

/** A pod of the DaemonSet; has no address before its first `report`. */
async function createPod(name: string, nodeName: string, selected = true): Promise<string> {
  const { labels, spec } = await shippedDaemonSet();
  const { metadata } = await api.ok('POST', PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'vsecm-agent', labels: selected ? labels : { app: 'other' } },
    spec: { ...spec, nodeName },
  });
  return metadata.uid;
}

async function report(name: string, podIP: string, ready: boolean): Promise<void> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
  await api.ok('PATCH', `${PODS}/${name}/status`, { status }, { 'content-type': MERGE });
}

/** The endpoints by pod, once there are so many that are ready and so many that are not. */
async function endpoints(ready: number, notReady: number): Promise<Record<string, any>> {
  const object = await awaitObject(api, `${SLICES}/${slice}`, ({ endpoints: all }) => {
    const states: boolean[] = (all ?? []).map((one: any) => one.conditions.ready);
    const [yes, no] = [states.filter(Boolean).length, states.filter((state) => !state).length];
    return yes === ready && no === notReady;
  });
  return Object.fromEntries((object.endpoints ?? []).map((one: any) => [one.targetRef.name, one]));
}

test('the slice of the agents follows the readiness of their pods', async () => {
  assert.deepEqual(await endpoints(0, 0), {});
  const uid = await createPod('one', 'node-1');
  await report('one', '10.244.1.7', false);
  assert.deepEqual(await endpoints(0, 1), {
    one: {
      addresses: ['10.244.1.7'],
      conditions: { ready: false, serving: false, terminating: false },
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', namespace: 'vsecm-agent', name: 'one', uid },
    },
  });
  await report('one', '10.244.1.7', true);
  const ready = { ready: true, serving: true, terminating: false };
  assert.deepEqual((await endpoints(1, 0))['one'].conditions, ready);
  await createPod('two', 'node-2');
  await report('two', '10.244.2.7', true);
  const both = await endpoints(2, 0);
  assert.deepEqual([both['one'].nodeName, both['two'].nodeName], ['node-1', 'node-2']);
  await report('one', '10.244.1.7', false);
  assert.deepEqual((await endpoints(1, 1))['one'].conditions.ready, false);
  await api.ok('DELETE', `${PODS}/one`, { gracePeriodSeconds: 0 });
  assert.deepEqual(Object.keys(await endpoints(1, 0)), ['two']);
});

test('pods that the Service does not select are not in it', async () => {
  const before = Object.keys(await endpoints(1, 0));
  await createPod('stranger', 'node-1', false);
  await report('stranger', '10.244.1.8', true);
  // What comes after it is there: so it was looked at.
  await createPod('three', 'node-1');
  await report('three', '10.244.1.9', true);
  assert.deepEqual(Object.keys(await endpoints(2, 0)).sort(), [...before, 'three'].sort());
});
