import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgents } from '../../test/cli/agent-pod.ts';
import { KubeletPort } from '../../test/cli/kubelet-port.ts';
import { awaitObject, failsWith, isReady, vssPath } from '../../test/stage/await-object.ts';
import { credentials, example, vss } from '../../test/stage/scene.ts';
import { Stage } from '../../test/stage/stage.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
const NAMESPACES = ['billing', 'shop', 'web', 'search', 'mail'];
const SAFE = 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443/';
/** The Safe that the documented resources name. */
const NAMED = ['https://path/to/vsecm/safe/api/endpoint', 'https://vsecm.example.com'];

/** What the documentation's commands see. */
export interface DocumentedScene extends AsyncDisposable {
  kubeconfig: string;
  folder: string;
}

/** Three agents on the development cluster, one resource that is well and one that is not. */
export async function openScene(): Promise<DocumentedScene> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'vsecm-docs-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const stage = started.use(await Stage.start({ kind: 'dev' }));
  const kubelet = await KubeletPort.start();
  started.defer(() => kubelet.close());
  const { dial } = stage.safe;
  const env = {
    VSECM_SAFE_ENDPOINT_URL: SAFE,
    VSECM_AGENT_SAFES: JSON.stringify([SAFE, ...NAMED].map((url) => ({ url, dial, grants: 'plain' }))),
  };
  const agents = await startAgents(stage, NODES, { kubelet, env });
  for (const agent of agents) started.defer(async () => void (await agent.stop()));
  const register = (name: string, value: string, namespaces: string[]) =>
    stage.safe.register({ name: `raw:${name}`, value, namespaces });
  await register('vsecm-agent-placeholder', 'placeholder', ['vsecm-agent']);
  await register('databaseCredentials', credentials(), NAMESPACES);
  await register('orders', '{"user":"orders"}', ['shop']);
  for (const namespace of NAMESPACES) {
    await stage.namespace(namespace);
    await stage.cluster.apply(await example(2), namespace);
    await awaitObject(stage.cluster.admin, vssPath(namespace, 'database-credentials'), isReady);
  }
  await stage.cluster.apply(
    vss('orders', { vsecmSafeURL: NAMED[1], data: [{ key: 'password', ref: 'orders.password' }] }),
    'shop',
  );
  const orders = await awaitObject(stage.cluster.admin, vssPath('shop', 'orders'), failsWith('RefNotFound'));
  const owner = agents.find(({ env: own }) => own['NODE_NAME'] === orders.status.node);
  if (owner === undefined) throw new Error('nobody serves shop/orders');
  await owner.log.when(({ name, code }) => name === 'orders' && code === 'RefNotFound');
  const resources = started.move();
  return {
    kubeconfig: stage.cluster.kubeconfig,
    folder,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
