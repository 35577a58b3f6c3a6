import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadAll } from 'js-yaml';
import { startCluster, type TestCluster } from '../cluster.ts';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { eventually, installShipped, SHIPPED } from './shipped.ts';

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const TENANT = 'tenant';

const lines = (text: string): string[] => text.trim().split('\n');

// In order: each test goes on from the cluster that the one before left.
describe('kubectl and the folder daemonset', { timeout: 240_000 }, () => {
  let cluster: TestCluster;
  // Without it, as in the released envtest archives, a namespace is never done being deleted.
  let controllers: boolean;
  before(async () => {
    const assets = await controlPlaneAssets();
    controllers = 'folder' in assets && assets.controllers;
    cluster = await startCluster({ kind: 'real', controllers });
  });
  after(() => cluster?.stop());

  test('applies in one go without a warning', async () => {
    const { exitCode, stdout, stderr } = await installShipped(cluster);
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    for (const line of lines(stdout)) assert.match(line, / created$/);
    assert.ok(lines(stdout).includes('daemonset.apps/vsecm-agent created'), stdout);
  });

  test('changes nothing when it is applied again, under strict validation too', async () => {
    const { exitCode, stdout, stderr } = await cluster.kubectl(['apply', '--validate=strict', '-f', SHIPPED]);
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    for (const line of lines(stdout)) assert.match(line, / unchanged$/);
  });

  test('is the same for kubectl apply -k', async () => {
    const byFile = await cluster.kubectl(['apply', '--dry-run=server', '-o', 'name', '-f', SHIPPED]);
    const { exitCode, stdout, stderr } = await cluster.kubectl(['apply', '-k', SHIPPED]);
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    for (const line of lines(stdout)) assert.match(line, / unchanged$/);
    assert.deepEqual(
      lines(stdout)
        .map((line) => line.split(' ')[0])
        .toSorted(),
      lines(byFile.stdout).toSorted(),
    );
  });

  test('takes the name of the image from Kustomization', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vsecm-kustomization-'));
    try {
      await cp(SHIPPED, folder, { recursive: true });
      const path = join(folder, 'Kustomization');
      const edited = (await readFile(path, 'utf8'))
        .replace('newName: vsecm-agent', 'newName: registry.example.com/team/vsecm-agent')
        .replace(/newTag: .*/, 'newTag: 9.9.9');
      await writeFile(path, edited);
      const { stdout, stderr } = await cluster.kubectl(['kustomize', folder]);
      assert.equal(stderr, '');
      assert.match(stdout, /^ +image: registry\.example\.com\/team\/vsecm-agent:9\.9\.9$/m);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('runs on chosen nodes only where that component is taken in, and nothing else changes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vsecm-kustomization-'));
    try {
      await cp(SHIPPED, join(folder, 'daemonset'), { recursive: true });
      const own = join(folder, 'own');
      await mkdir(own);
      const lines = ['resources: [../daemonset]', 'components: [../daemonset/optional/chosen-nodes]'];
      await writeFile(join(own, 'kustomization.yaml'), lines.join('\n'));
      const render = async (path: string): Promise<any[]> => {
        const { stdout, stderr } = await cluster.kubectl(['kustomize', path]);
        assert.equal(stderr, '');
        return loadAll(stdout) as any[];
      };
      const expected = await render(join(folder, 'daemonset'));
      const daemonSet = expected.find(({ kind }) => kind === 'DaemonSet');
      daemonSet.spec.template.spec.nodeSelector['vsecm.com/agent'] = 'true';
      assert.deepEqual(await render(own), expected);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('has a pod that the restricted Pod Security Standard admits in its namespace', async () => {
    const daemonSet = await cluster.admin.ok(
      'GET',
      '/apis/apps/v1/namespaces/vsecm-agent/daemonsets/vsecm-agent',
    );
    const create = async (spec: object) =>
      cluster.request('POST', '/api/v1/namespaces/vsecm-agent/pods?dryRun=All', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'template', labels: daemonSet.spec.template.metadata.labels },
        spec,
      });
    const pod = daemonSet.spec.template.spec;
    const answer = await create(pod);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    assert.equal(answer.headers['warning'], undefined);
    const host = await create({
      ...pod,
      volumes: [{ name: 'spire-agent-socket', hostPath: { path: '/run' } }],
    });
    assert.equal(host.status, 403, 'the standard is not enforced in this namespace');
  });

  test('serves vss, and gives people who may edit VSecMSecrets all of them but the status', async () => {
    const { stdout } = await cluster.kubectl(['api-resources', '--api-group=vsecm.com', '--no-headers']);
    assert.match(stdout, /^vsecmsecrets +vss +vsecm\.com\/v1alpha1 +true +VSecMSecret$/m);
    const allowed = async (role: string, verb: string, subresource?: string) => {
      const user = `person-${role}`;
      await cluster.apply({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: role, namespace: 'default' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
      });
      const review = () =>
        cluster.admin.ok('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user,
            resourceAttributes: {
              group: 'vsecm.com',
              resource: 'vsecmsecrets',
              namespace: 'default',
              verb,
              ...(subresource && { subresource }),
            },
          },
        });
      return async (wanted: boolean) =>
        (await eventually(review, ({ status }) => status.allowed === wanted, 5_000)).status.allowed;
    };
    assert.equal(await (await allowed('vsecm-agent-edit', 'create'))(true), true);
    assert.equal(await (await allowed('vsecm-agent-view', 'list'))(true), true);
    assert.equal(await (await allowed('vsecm-agent-view', 'create'))(false), false);
    assert.equal(await (await allowed('vsecm-agent-edit', 'patch', 'status'))(false), false);
  });

  test('guards the CRD against a deletion by name and by collection, until it is annotated', async () => {
    const remove = (query: string) => cluster.request('DELETE', `${CRD}${query}`);
    const single = await eventually(
      () => remove('/vsecmsecrets.vsecm.com?dryRun=All'),
      ({ status }) => status === 403,
    );
    assert.equal(single.status, 403);
    assert.equal(single.body.reason, 'Forbidden');
    assert.match(
      single.body.message,
      /kubectl annotate crd vsecmsecrets\.vsecm\.com vsecm\.com\/allow-deletion=true/,
    );
    assert.equal(
      (await remove('?dryRun=All&fieldSelector=metadata.name%3Dvsecmsecrets.vsecm.com')).status,
      403,
    );
    assert.equal((await remove('/clusterspiffeids.spire.spiffe.io?dryRun=All')).status, 200);
    await cluster.kubectl(['annotate', 'crd', 'vsecmsecrets.vsecm.com', 'vsecm.com/allow-deletion=true']);
    assert.equal((await remove('/vsecmsecrets.vsecm.com?dryRun=All')).status, 200);
    await cluster.kubectl(['annotate', 'crd', 'vsecmsecrets.vsecm.com', 'vsecm.com/allow-deletion-']);
  });

  test('kubectl delete -f keeps the CRD, the VSecMSecrets and their Secrets', async () => {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: TENANT } });
    const example = join(SHIPPED, 'examples/database-credentials.yaml');
    const applied = await cluster.kubectl(['apply', '-n', TENANT, '-f', example]);
    assert.equal(applied.exitCode, 0, applied.stderr);
    const path = `/apis/vsecm.com/v1alpha1/namespaces/${TENANT}/vsecmsecrets/database-credentials`;
    const { metadata } = await cluster.admin.ok('GET', path);
    const owner = {
      apiVersion: 'vsecm.com/v1alpha1',
      kind: 'VSecMSecret',
      name: metadata.name,
      uid: metadata.uid,
    };
    const secret = { name: 'database-credentials', namespace: TENANT, ownerReferences: [owner] };
    await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: secret });

    const { exitCode, stdout, stderr } = await cluster.kubectl([
      'delete',
      `--wait=${controllers}`,
      '-f',
      SHIPPED,
    ]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /vsecm\.com\/allow-deletion=true/);
    assert.equal(lines(stderr).length, 1, stderr);
    assert.match(stdout, /^namespace "vsecm-agent" deleted$/m);
    assert.equal(
      (await cluster.admin.ok('GET', `${CRD}/vsecmsecrets.vsecm.com`)).metadata.deletionTimestamp,
      undefined,
    );
    assert.equal((await cluster.admin.ok('GET', path)).metadata.uid, metadata.uid);
    assert.equal(
      (await cluster.request('GET', `/api/v1/namespaces/${TENANT}/secrets/database-credentials`)).status,
      200,
    );
  });
});
