import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { MERGE } from '../devcluster/api-client.ts';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, failsWith, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { vss } from '../stage/scene.ts';
import { FAST, Stage } from '../stage/stage.ts';
import { PodRunner } from './pod-runner.ts';
import { installWith } from './shipped.ts';
import { CONSENT, workload, workloadsPath, type Workloads } from './workloads.ts';

const MARK = 'vsecm.com/secret.';
const SHOP = workloadsPath('deployments', 'shop', 'shop');
const assets = await controlPlaneAssets();
const skip = 'folder' in assets && assets.controllers ? false : 'kube-controller-manager is not there';

const spec = (secret: string, ...more: object[]): object => ({
  refreshInterval: '0s',
  data: [{ key: 'password', ref: `${secret}.password` }],
  restart: [{ kind: 'Deployment', name: 'shop' }, ...more],
});
const marksOf = (object: any): Record<string, string> =>
  Object.fromEntries(
    Object.entries<string>(object.spec.template.metadata.annotations ?? {}).filter(([name]) =>
      name.startsWith(MARK),
    ),
  );
/** The rollout of this generation of a Deployment is done. */
const isDone = ({ metadata, spec, status }: any): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.updatedReplicas === spec.replicas &&
  status.availableReplicas === spec.replicas &&
  status.replicas === spec.replicas;

// In order: each test goes on from what the one before left.
describe('rollouts after changes of Secrets', { timeout: 300_000, skip }, () => {
  let stage: Stage;
  let agent: RunningAgent;
  let pods: PodRunner;
  let serial = 0;
  const admin = () => stage.cluster.admin;
  const patch = (path: string, body: object): Promise<any> =>
    admin().ok('PATCH', path, body, { 'content-type': MERGE });
  const start = async (pace = FAST): Promise<void> => {
    agent = startInProcess(await stage.join('node-1'), { pace, floorMs: 50 });
    await agent.log.when(({ msg }) => msg === 'VSecMSecrets and Secrets are known');
  };
  const register = (name: string, password: string): Promise<unknown> =>
    stage.safe.register({
      name: `raw:${name}`,
      value: JSON.stringify({ password }),
      namespaces: ['shop', 'far'],
    });
  const refresh = async (name: string, namespace = 'shop'): Promise<void> => {
    const token = `${++serial}`;
    await patch(vssPath(namespace, name), { metadata: { annotations: { 'vsecm.com/refresh': token } } });
    await awaitObject(admin(), vssPath(namespace, name), (object) => object.status?.handledRefresh === token);
  };
  const change = async (name: string, password: string): Promise<void> => {
    await register(name, password);
    await refresh(name);
  };
  /** The Deployment once its rollout with this mark is done. */
  const rolledOut = (mark: string, value: string): Promise<any> =>
    awaitObject(admin(), SHOP, (object) => marksOf(object)[mark] === value && isDone(object));
  const replicaSets = async (): Promise<number> =>
    (await admin().ok('GET', '/apis/apps/v1/namespaces/shop/replicasets')).items.length;

  before(async () => {
    stage = await Stage.start({
      kind: 'real',
      controllers: true,
      workloads: true,
      install: async (cluster) => {
        for (const name of ['shop', 'far'])
          await cluster.apply([
            { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
            { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
          ]);
        const { exitCode, stderr } = await installWith(cluster, 'restart');
        assert.deepEqual([exitCode, stderr], [0, '']);
      },
    });
    pods = new PodRunner(stage.cluster, 'shop');
    await pods.start();
    const deployment = workload('deployments', 'shop', { [CONSENT]: 'true' });
    deployment.spec.replicas = 2;
    deployment.spec.template.spec.automountServiceAccountToken = false;
    await admin().ok('POST', workloadsPath('deployments', 'shop'), deployment);
    for (const kind of ['statefulsets', 'daemonsets'] as Workloads[])
      await admin().ok('POST', workloadsPath(kind, 'shop'), workload(kind, 'other', { [CONSENT]: 'true' }));
    await awaitObject(admin(), SHOP, isDone);
    await register('db', 'one');
    await register('mail', 'one');
    await start();
  });
  after(async () => {
    await agent?.stop();
    await pods?.stop();
    await stage?.close();
  });

  test('a first write and an adoption restart nothing', async () => {
    await stage.cluster.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'mail', annotations: { 'vsecm.com/allow-adoption': 'true' } },
        stringData: { password: 'theirs' },
      },
      'shop',
    );
    for (const name of ['db', 'mail']) {
      await stage.cluster.apply(vss(name, spec(name)), 'shop');
      const { status } = await awaitObject(admin(), vssPath('shop', name), isReady);
      assert.deepEqual(status.restarts, [{ kind: 'Deployment', name: 'shop', revision: 1 }]);
      const { metadata } = await admin().ok('GET', secretPath('shop', name));
      assert.equal(metadata.annotations['vsecm.com/revision'], '1');
    }
    assert.equal((await admin().ok('GET', SHOP)).metadata.generation, 1);
  });

  test('a change is one rollout, to its end', async () => {
    await change('db', 'two');
    const { metadata } = await rolledOut(`${MARK}db`, '2');
    assert.equal(metadata.generation, 2);
    assert.equal(await replicaSets(), 2);
    const isTold = ({ status }: any): boolean => status.restarts[0].revision === 2;
    await awaitObject(admin(), vssPath('shop', 'db'), isTold);
  });

  test('repairs, Secrets made anew, restarts of the agent, and marks that were undone restart nothing', async () => {
    const written = (from: number): Promise<unknown> =>
      agent.log.when(({ msg }) => msg === 'Secret written', from);
    let from = agent.log.lines.length;
    await patch(secretPath('shop', 'db'), { data: { password: btoa('edited') } });
    await written(from);
    from = agent.log.lines.length;
    await admin().ok('DELETE', secretPath('shop', 'db'));
    await written(from);
    await agent.stop();
    await patch(secretPath('shop', 'db'), { data: { password: btoa('edited') } });
    await start();
    await awaitObject(admin(), secretPath('shop', 'db'), (secret) => secret.data.password === btoa('two'));
    const { exitCode, stderr } = await stage.cluster.kubectl([
      'rollout',
      'undo',
      '-n',
      'shop',
      'deployment/shop',
    ]);
    assert.equal(exitCode, 0, stderr);
    await refresh('db');
    const { metadata } = await admin().ok('GET', secretPath('shop', 'db'));
    assert.equal(metadata.annotations['vsecm.com/revision'], '2');
    const undone = await awaitObject(admin(), SHOP, isDone);
    assert.deepEqual([undone.metadata.generation, marksOf(undone)], [3, {}]);
  });

  test('the next change after all that is one rollout', async () => {
    await change('db', 'three');
    assert.equal((await rolledOut(`${MARK}db`, '3')).metadata.generation, 4);
  });

  test('an agent that dies between write and restart leaves one rollout to the next', async () => {
    await agent.stop();
    await start({ ...FAST, rollout: { ...FAST.rollout, quietMs: 600_000, latestMs: 600_000 } });
    await change('db', 'four');
    await awaitObject(admin(), secretPath('shop', 'db'), (secret) => secret.data.password === btoa('four'));
    await agent.stop();
    assert.equal((await admin().ok('GET', SHOP)).metadata.generation, 4);
    await start();
    assert.equal((await rolledOut(`${MARK}db`, '4')).metadata.generation, 5);
  });

  test('Secrets of one workload that change together are one rollout, and keep each other’s marks', async () => {
    await register('db', 'five');
    await register('mail', 'five');
    await Promise.all([refresh('db'), refresh('mail')]);
    const { metadata, ...object } = await rolledOut(`${MARK}mail`, '2');
    assert.deepEqual(marksOf(object), { [`${MARK}db`]: '5', [`${MARK}mail`]: '2' });
    assert.equal(metadata.generation, 6);
    await change('mail', 'six');
    const next = await rolledOut(`${MARK}mail`, '3');
    assert.deepEqual(marksOf(next), { [`${MARK}db`]: '5', [`${MARK}mail`]: '3' });
    assert.equal(next.metadata.generation, 7);
  });

  test('StatefulSets and DaemonSets are marked as well', async () => {
    const others = [
      { kind: 'StatefulSet', name: 'other' },
      { kind: 'DaemonSet', name: 'other' },
    ];
    await stage.cluster.apply(vss('db', spec('db', ...others)), 'shop');
    await awaitObject(admin(), vssPath('shop', 'db'), ({ status }) => status.restarts?.length === 3);
    await change('db', 'seven');
    for (const kind of ['statefulsets', 'daemonsets'] as Workloads[]) {
      const marked = await awaitObject(
        admin(),
        workloadsPath(kind, 'shop', 'other'),
        (object) => marksOf(object)[`${MARK}db`] === '6',
      );
      assert.equal(marked.metadata.generation, 2);
    }
  });

  test('without consent, and without the component, the failure says so, and the Secret is ready', async () => {
    await patch(SHOP, { metadata: { annotations: { [CONSENT]: null } } });
    await change('mail', 'seven');
    const refused = await awaitObject(admin(), vssPath('shop', 'mail'), failsWith('RestartNotAllowed'));
    assert.ok(isReady(refused));
    assert.match(
      refused.status.failure.hint,
      /kubectl annotate deployment\/shop -n shop vsecm\.com\/allow-restart=true/,
    );
    await patch(SHOP, { metadata: { annotations: { [CONSENT]: 'true' } } });
    await rolledOut(`${MARK}mail`, '4');
    await awaitObject(admin(), vssPath('shop', 'mail'), ({ status }) => status.failure === undefined);

    await admin().ok(
      'POST',
      workloadsPath('deployments', 'far'),
      workload('deployments', 'shop', { [CONSENT]: 'true' }),
    );
    await stage.cluster.apply(vss('db', spec('db')), 'far');
    await awaitObject(admin(), vssPath('far', 'db'), isReady);
    await register('db', 'eight');
    await refresh('db', 'far');
    const far = await awaitObject(admin(), vssPath('far', 'db'), failsWith('RestartNotAllowed'));
    assert.ok(isReady(far));
    assert.match(
      far.status.failure.message,
      /^deployment\/shop is to be restarted, and is out of reach of the agent's rights$/,
    );
    assert.match(far.status.failure.hint, /daemonset\/optional\/restart/);
  });
});
