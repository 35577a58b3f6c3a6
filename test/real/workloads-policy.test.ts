import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { startCluster, type TestCluster } from '../cluster.ts';
import type { ApiAnswer, ApiClient } from '../devcluster/api-client.ts';
import { agentClient, eventually, installWith } from './shipped.ts';
import { asPersonOf, CHANGES, changedBeyondMarks, STEPS, type Step } from './workload-steps.ts';
import { CONSENT, marks, workload, WORKLOADS, workloadsPath, type Workloads } from './workloads.ts';

const RUNS = { numRuns: 300 };

/** Under the name of the one who made the workload, so that nobody new owns a field. */
const REFUSED: [change: string, message: RegExp, manager?: string][] = [
  ['a mark to a text', /may set only annotations vsecm\.com\/secret\.NAME of the pod template, to a number/],
  ['a mark with capitals', /may set only annotations/],
  ['what looks like a mark', /may set only annotations/],
  ['the restart of kubectl', /may set only annotations/],
  ['all marks away', /may set only annotations/],
  ['an annotation of the pods', /may set only annotations/],
  ['a label of the pods', /may not change other metadata of the pod template/],
  ['the image', /may not change the pods of a workload/],
  ['how many', /may not change the spec of a workload/],
  ['an annotation', /may not change the annotations of a workload/],
  ['the consent away', /may not change the annotations of a workload/],
  ['a label', /may not change the metadata of a workload/],
  ['a finalizer', /may not change the metadata of a workload/],
  ['an owner', /may not change the metadata of a workload/],
  ['a mark', /may not change who owns the fields of a workload/, 'stranger'],
  ['a manager who owns the spec', /may not change who owns the fields of a workload/],
  ['an applier of the spec', /may not change who owns the fields of a workload/],
  ['the agent as owner of the spec', /may own nothing but its marks/],
];

// In order: the last test takes the policy away.
describe("what the API server lets the agent's token change of workloads", { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  let agent: ApiClient;
  let count = 0;
  const look = (kind: Workloads, name: string): Promise<any> =>
    cluster.admin.ok('GET', workloadsPath(kind, 'shop', name));
  const names = async (kind: Workloads): Promise<string[]> =>
    (await cluster.admin.ok('GET', workloadsPath(kind, 'shop'))).items.map((one: any) => one.metadata.name);
  const made = async (kind: Workloads, consent: boolean): Promise<string> => {
    const name = `w${++count}`;
    const body = workload(kind, name, consent ? { [CONSENT]: 'true' } : {});
    await cluster.admin.ok('POST', `${workloadsPath(kind, 'shop')}?fieldManager=kubectl-create`, body);
    return name;
  };

  before(async () => {
    cluster = await startCluster({ kind: 'real' });
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const { exitCode, stderr } = await installWith(cluster, 'restart');
    assert.deepEqual([exitCode, stderr], [0, '']);
    agent = await agentClient(cluster);
    const probe = await made('deployments', false);
    const { status } = await eventually(
      () => marks(agent, workloadsPath('deployments', 'shop', probe), 'vsecm.com/secret.db', '1'),
      (answer) => answer.status === 403 && /may restart only workloads/.test(answer.body.message),
    );
    assert.equal(status, 403);
  });
  after(async () => {
    await agent?.close();
    await cluster?.stop();
  });

  for (const kind of WORKLOADS) {
    test(`the component gives get and patch of ${kind} in its namespace, and nothing else`, async () => {
      const name = await made(kind, true);
      const status = async (method: string, namespace: string, which = name): Promise<number> =>
        (
          await agent.request(
            method,
            workloadsPath(kind, namespace, which),
            method === 'POST' ? {} : undefined,
          )
        ).status;
      assert.equal(await status('GET', 'shop'), 200);
      assert.equal(await status('GET', 'shop', ''), 403);
      assert.equal(await status('GET', 'default'), 403);
      for (const method of ['PUT', 'DELETE']) assert.equal(await status(method, 'shop'), 403, method);
      assert.equal(await status('POST', 'shop', ''), 403);
      assert.equal(await status('GET', 'shop', `${name}/status`), 403);
    });

    test(`the mark of ${kind} is set, renewed, and refused without consent or to a version that is gone`, async () => {
      const name = await made(kind, true);
      const path = workloadsPath(kind, 'shop', name);
      const { metadata } = await look(kind, name);
      const set = (value: string, version?: string): Promise<ApiAnswer> =>
        marks(agent, path, 'vsecm.com/secret.db', value, version);
      assert.equal((await set('1', metadata.resourceVersion)).status, 200);
      assert.equal((await set('2', metadata.resourceVersion)).status, 409);
      assert.equal((await set('2')).status, 200);
      const marked = await look(kind, name);
      assert.deepEqual(marked.spec.template.metadata.annotations, {
        'vsecm.com/secret.db': '2',
        theirs: 'x',
      });
      assert.equal(marked.metadata.generation, 3);
      await asPersonOf(cluster.admin, path, 'kubectl-annotate', {
        metadata: { annotations: { [CONSENT]: null } },
      });
      assert.equal((await set('3')).status, 403);
      assert.equal((await set('2')).status, 403, 'even what changes nothing');
    });
  }

  // So that the policy is judged, not the roles.
  test('with every right on workloads', async () => {
    const rbac = 'rbac.authorization.k8s.io';
    await cluster.apply([
      {
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRole',
        metadata: { name: 'all-workloads' },
        rules: [{ apiGroups: ['apps'], resources: ['*'], verbs: ['*'] }],
      },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name: 'all-workloads' },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'all-workloads' },
        subjects: [{ kind: 'ServiceAccount', name: 'vsecm-agent', namespace: 'vsecm-agent' }],
      },
    ]);
    const { status } = await eventually(
      () => agent.request('GET', workloadsPath('deployments', 'shop')),
      (answer) => answer.status === 200,
    );
    assert.equal(status, 200);
  });

  for (const [change, message, manager = 'kubectl-create'] of REFUSED) {
    test(`refused: ${change}, as ${manager}`, async () => {
      const name = await made('deployments', true);
      const before = await look('deployments', name);
      const path = workloadsPath('deployments', 'shop', name);
      const { status, body } = await asPersonOf(agent, path, manager, CHANGES[change]!);
      assert.equal(status, 403, JSON.stringify(body));
      assert.match(body.message, message);
      assert.deepEqual(await look('deployments', name), before);
    });
  }

  /** What a sequence of requests came to: what went through that must not, `undefined` if all is well. */
  async function play(
    kind: Workloads,
    consent: boolean,
    steps: readonly Step[],
  ): Promise<string | undefined> {
    const name = await made(kind, consent);
    const path = workloadsPath(kind, 'shop', name);
    const siblings = await names(kind);
    for (const { by, send, title } of steps) {
      const there = await look(kind, name);
      const answer = await send(by === 'agent' ? agent : cluster.admin, path, there);
      if (by === 'person') continue;
      const now = await cluster.request('GET', path);
      const wrong = now.status === 200 ? changedBeyondMarks(kind, there, now.body) : 'it is gone';
      if (wrong !== undefined) return `${title} (${answer.status}): ${wrong}`;
    }
    if (siblings.join() !== (await names(kind)).join()) return 'workloads were made';
    // Whatever went before, the agent is not locked out.
    const consents = (await look(kind, name)).metadata.annotations?.[CONSENT] === 'true';
    const { status, body } = await marks(agent, path, 'vsecm.com/secret.last', '99');
    return status === (consents ? 200 : 403) ? undefined : `the mark: ${status} ${body.message}`;
  }

  test('no sequence of requests changes more than marks, and none locks the agent out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...WORKLOADS),
        fc.boolean(),
        fc.array(STEPS, { minLength: 1, maxLength: 6 }),
        async (kind, consent, steps) => assert.equal(await play(kind, consent, steps), undefined),
      ),
      RUNS,
    );
  });

  test('without the policy the same sequences do change more', async () => {
    await cluster.admin.ok(
      'DELETE',
      '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/vsecm-agent-workloads',
    );
    const name = await made('deployments', false);
    await eventually(
      () => marks(agent, workloadsPath('deployments', 'shop', name), 'vsecm.com/secret.db', '1'),
      ({ status }) => status === 200,
    );
    const found = new Set<string>();
    for (const steps of fc.sample(fc.array(STEPS, { minLength: 4, maxLength: 4 }), 40))
      found.add((await play('deployments', true, steps)) ?? '');
    assert.ok(found.size > 10, [...found].join('\n'));
  });
});
