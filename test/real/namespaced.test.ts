import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadAll } from 'js-yaml';
import { ApiClient } from '../devcluster/api-client.ts';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, isReady, vssPath } from '../stage/await-object.ts';
import { eventOf, everyDuty } from '../stage/every-duty.ts';
import {
  ACCOUNT,
  allowed,
  grantedTo,
  neededBy,
  refused,
  rightsOf,
  type Permission,
} from '../stage/permissions.ts';
import { vss } from '../stage/scene.ts';
import { FAST, Stage } from '../stage/stage.ts';
import { sliceOf } from './agents-slice.ts';
import { installShipped, SHIPPED } from './shipped.ts';

const LISTED = ['billing', 'shop'];
const OTHER = 'other';
const POD = 'vsecm-agent-node-1';

/** The folder daemonset with the optional variant taken in, as its Kustomization says. */
async function namespacedVariant(folder: string): Promise<string> {
  const path = join(folder, 'daemonset');
  await cp(SHIPPED, path, { recursive: true });
  const file = join(path, 'Kustomization');
  const text = await readFile(file, 'utf8');
  const edited = text.replace(/^#(components:)\n#(  - optional\/namespaced)$/m, '$1\n$2');
  assert.notEqual(edited, text);
  await writeFile(file, edited);
  return path;
}

// In order: each test goes on from what the one before left.
describe('the agent under roles in some namespaces only', { timeout: 240_000 }, () => {
  let folder: string;
  let variant: string;
  let stage: Stage;
  let agent: RunningAgent;
  let granted: Permission[];
  let from: number;
  let namespaces: string;

  const kubectl = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await stage.cluster.kubectl(args);
    assert.deepEqual([exitCode, stderr], [0, ''], args.join(' '));
    return stdout;
  };
  /** One more agent, in place of the one before. */
  const start = async (): Promise<void> => {
    await agent?.stop();
    from = stage.cluster.controls.requests.length;
    agent = startInProcess(
      await stage.join('node-1', {
        VSECM_AGENT_SERVICE: 'vsecm-agent',
        VSECM_AGENT_NAMESPACES: namespaces,
        POD_NAME: POD,
      }),
      { pace: FAST, floorMs: 50 },
    );
  };
  const known = (): Promise<unknown> =>
    agent.log.when(({ msg }) => msg === 'VSecMSecrets and Secrets are known');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vsecm-namespaced-'));
    variant = await namespacedVariant(folder);
    stage = await Stage.start({ kind: 'real', install: installShipped });
    for (const namespace of [...LISTED, OTHER]) await stage.namespace(namespace);
  });
  after(async () => {
    await agent?.stop();
    await stage?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('takes the place of the cluster-wide one by the documented commands', async () => {
    const rendered = loadAll(await kubectl('kustomize', variant)) as any[];
    const wide = rendered.filter(({ kind }) => kind === 'ClusterRole' || kind === 'ClusterRoleBinding');
    assert.deepEqual(wide.map(({ metadata }) => metadata.name).toSorted(), [
      'vsecm-agent-edit',
      'vsecm-agent-view',
    ]);
    const before = await grantedTo(stage.cluster);
    await kubectl('apply', '-k', variant);
    const text = await readFile(join(SHIPPED, '../docs/operations.md'), 'utf8');
    const [, command = ''] = /^kubectl (delete clusterrolebinding\S* \S+)$/m.exec(text) ?? [];
    await kubectl(...command.split(' '));

    granted = await grantedTo(stage.cluster);
    const wanted = rightsOf(before, '*');
    assert.ok(wanted.includes('watch core/secrets'));
    for (const namespace of LISTED) assert.deepEqual(rightsOf(granted, namespace), wanted);
    const others = granted.filter((one) => !LISTED.some((namespace) => one.startsWith(`${namespace} `)));
    assert.deepEqual(others, [
      'vsecm-agent create events.k8s.io/events',
      'vsecm-agent list discovery.k8s.io/endpointslices',
      'vsecm-agent watch discovery.k8s.io/endpointslices',
    ]);
  });

  test('can be taken in from a Kustomization beside the folder', async () => {
    const own = join(folder, 'own');
    await mkdir(own);
    await cp(SHIPPED, join(folder, 'plain'), { recursive: true });
    await writeFile(
      join(own, 'kustomization.yaml'),
      'resources: [../plain]\ncomponents: [../plain/optional/namespaced]\n',
    );
    assert.deepEqual(loadAll(await kubectl('kustomize', own)), loadAll(await kubectl('kustomize', variant)));
  });

  test('serves the namespaces listed with all that it does, and no request is forbidden', async () => {
    const { cluster } = stage;
    const { spec } = await cluster.admin.ok(
      'GET',
      '/apis/apps/v1/namespaces/vsecm-agent/daemonsets/vsecm-agent',
    );
    const { env } = spec.template.spec.containers[0];
    namespaces = env.find(({ name }: { name: string }) => name === 'VSECM_AGENT_NAMESPACES').value;
    assert.deepEqual(namespaces.split(','), LISTED);
    await cluster.apply(vss('left-alone', { data: [{ key: 'k', ref: 'any' }] }), OTHER);
    await cluster.apply(sliceOf('node-1', POD));
    const isOld = cluster.controls.fail((request) => request.query.has('sendInitialEvents'), {
      status: 422,
      reason: 'Invalid',
    });
    await start();
    await allowed(cluster, known());
    isOld();
    for (const namespace of LISTED) await allowed(cluster, everyDuty(stage, namespace));
    await stage.safe.stop();
    await cluster.admin.ok(
      'PATCH',
      vssPath('shop', 'orphan'),
      { metadata: { annotations: { 'vsecm.com/refresh': 'now' } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await allowed(cluster, eventOf(stage, 'vsecm-agent', POD));
    await stage.safe.start();
    assert.deepEqual(refused(cluster, from), []);
    assert.deepEqual(neededBy(cluster, granted, from), granted);
  });

  test('watches each of them by itself, and nothing else', async () => {
    const { controls } = stage.cluster;
    assert.deepEqual(
      controls
        .openWatches()
        .map(({ namespace, resource }) => `${namespace} ${resource}`)
        .toSorted(),
      [
        'billing secrets',
        'billing vsecmsecrets',
        'shop secrets',
        'shop vsecmsecrets',
        'vsecm-agent endpointslices',
      ],
    );
    const elsewhere = controls.requests
      .slice(from)
      .filter(({ namespace }) => ![...LISTED, 'vsecm-agent'].includes(namespace));
    assert.deepEqual(elsewhere, []);
    const { status } = await stage.cluster.admin.ok('GET', vssPath(OTHER, 'left-alone'));
    assert.deepEqual(status, { observedGeneration: -1 });
  });

  test('reads no Secret anywhere else with its token', async () => {
    const client = new ApiClient(await stage.cluster.credentialsFor(ACCOUNT));
    const status = async (path: string) => (await client.request('GET', path)).status;
    assert.equal(await status('/api/v1/namespaces/shop/secrets'), 200);
    for (const path of ['secrets', `namespaces/${OTHER}/secrets`, 'namespaces/kube-system/secrets/any'])
      assert.equal(await status(`/api/v1/${path}`), 403, path);
    await client.close();
  });

  test('starts without a namespace where its role is gone, and serves it once the role is back', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/namespaces/billing/rolebindings';
    const { metadata, ...binding } = await stage.cluster.admin.ok('GET', `${path}/vsecm-agent`);
    await stage.cluster.admin.ok('DELETE', `${path}/vsecm-agent`);
    await start();
    await known();
    const declare = (namespace: string): Promise<unknown> =>
      stage.cluster.apply(
        vss('later', { data: [{ key: 'password', ref: `${namespace}-credentials.password` }] }),
        namespace,
      );
    for (const namespace of LISTED) await declare(namespace);
    await awaitObject(stage.cluster.admin, vssPath('shop', 'later'), isReady);
    assert.deepEqual(
      [...new Set(refused(stage.cluster, from).map(({ namespace }) => namespace))],
      ['billing'],
    );
    await stage.cluster.admin.ok('POST', path, { ...binding, metadata: { name: metadata.name } });
    await awaitObject(stage.cluster.admin, vssPath('billing', 'later'), isReady);
  });

  test('goes with kubectl delete -k, the guard of the CRD included', async () => {
    await agent.stop();
    const { exitCode, stderr } = await stage.cluster.kubectl(['delete', '--wait=false', '-k', variant]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /vsecm\.com\/allow-deletion=true/);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.deepEqual(rightsOf(await grantedTo(stage.cluster), 'shop'), []);
    await stage.cluster.admin.ok('GET', vssPath('shop', 'later'));
  });
});
