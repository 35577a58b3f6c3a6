import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster, type TestCluster } from '../cluster.ts';
import { APPLY, type ApiAnswer, type ApiClient } from '../devcluster/api-client.ts';
import { agentClient, eventually, installShipped } from './shipped.ts';

const SECRETS = '/api/v1/namespaces/default/secrets';
const POLICY_BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
const MANAGED = { 'vsecm.com/managed': 'true' };

interface Fields {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  type?: string;
}

describe("what the API server lets the agent's own token write", { timeout: 180_000 }, () => {
  let cluster: TestCluster;
  let agent: ApiClient;
  before(async () => {
    cluster = await startCluster({ kind: 'real' });
    const { exitCode, stderr } = await installShipped(cluster);
    assert.equal(exitCode, 0, stderr);
    agent = await agentClient(cluster);
    // A new policy is in force after a moment.
    const refused = await eventually(
      () => agentApplies('probe', {}),
      ({ status }) => status === 403,
    );
    assert.equal(refused.status, 403, 'the policy does not take effect');
  });
  after(async () => {
    await agent?.close();
    await cluster?.stop();
  });

  const body = (name: string, { labels, annotations, type }: Fields) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    ...(type && { type }),
    stringData: { key: 'value' },
  });
  const agentApplies = (name: string, fields: Fields): Promise<ApiAnswer> =>
    agent.request('PATCH', `${SECRETS}/${name}?fieldManager=vsecm-agent&force=true`, body(name, fields), {
      'content-type': APPLY,
    });
  const agentDeletes = (name: string): Promise<ApiAnswer> => agent.request('DELETE', `${SECRETS}/${name}`);
  /** A Secret that somebody else made. */
  const foreign = (name: string, fields: Fields = {}) =>
    cluster.admin.ok('POST', SECRETS, body(name, fields));
  const refused = (answer: ApiAnswer, message: RegExp) => {
    assert.equal(answer.status, 403, JSON.stringify(answer.body));
    assert.equal(answer.body.reason, 'Forbidden');
    assert.match(answer.body.message, message);
  };

  test('its own Secrets: created, changed and deleted, also when somebody stripped the label', async () => {
    assert.equal((await agentApplies('own', { labels: MANAGED })).status, 201);
    assert.equal((await agentApplies('own', { labels: { ...MANAGED, more: 'x' } })).status, 200);
    const stripped = { metadata: { labels: { 'vsecm.com/managed': null } } };
    await cluster.admin.ok('PATCH', `${SECRETS}/own`, stripped, {
      'content-type': 'application/merge-patch+json',
    });
    assert.equal((await agentApplies('own', { labels: MANAGED })).status, 200);
    assert.equal((await agentDeletes('own')).status, 200);
  });

  test('no Secret without the label, neither new nor by taking the label off', async () => {
    refused(await agentApplies('unlabelled', {}), /may write only Secrets that carry the label/);
    assert.equal((await agentApplies('labelled', { labels: MANAGED })).status, 201);
    refused(await agentApplies('labelled', {}), /may write only Secrets that carry the label/);
  });

  test("no change and no deletion of somebody else's Secret", async () => {
    await foreign('theirs');
    refused(
      await agentApplies('theirs', { labels: MANAGED }),
      /may change or delete only Secrets with the label/,
    );
    refused(await agentDeletes('theirs'), /may change or delete only Secrets with the label/);
    assert.equal((await cluster.admin.ok('GET', `${SECRETS}/theirs`)).metadata.labels, undefined);
  });

  test("somebody else's Secret with their consent", async () => {
    await foreign('consenting', { annotations: { 'vsecm.com/allow-adoption': 'true' } });
    assert.equal((await agentApplies('consenting', { labels: MANAGED })).status, 200);
    await foreign('refusing', { annotations: { 'vsecm.com/allow-adoption': 'false' } });
    refused(
      await agentApplies('refusing', { labels: MANAGED }),
      /may change or delete only Secrets with the label/,
    );
  });

  test('no token of a service account or for bootstrapping, whatever its label', async () => {
    for (const type of ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token']) {
      const annotations = { 'kubernetes.io/service-account.name': 'default' };
      refused(
        await agentApplies('token', { labels: MANAGED, annotations, type }),
        /may not write service account tokens/,
      );
    }
  });

  test('nothing but what its roles name', async () => {
    const ask = (method: string, path: string) =>
      agent.request(method, path, method === 'POST' ? {} : undefined);
    // 429: the storage of a CRD that is seconds old.
    const status = async (method: string, path: string) =>
      (
        await eventually(
          () => ask(method, path),
          (answer) => answer.status !== 429,
        )
      ).status;
    assert.equal(await status('GET', '/apis/vsecm.com/v1alpha1/vsecmsecrets'), 200);
    assert.equal(await status('GET', '/apis/discovery.k8s.io/v1/namespaces/vsecm-agent/endpointslices'), 200);
    assert.equal(await status('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'), 403);
    assert.equal(await status('POST', '/apis/vsecm.com/v1alpha1/namespaces/default/vsecmsecrets'), 403);
    assert.equal(await status('GET', '/api/v1/namespaces/default/configmaps'), 403);
    assert.equal(await status('DELETE', SECRETS), 403);
  });

  test('without the policy the same writes go through', async () => {
    await foreign('victim');
    await foreign('other-victim');
    await cluster.admin.ok('DELETE', `${POLICY_BINDINGS}/vsecm-agent-secrets`);
    const answer = await eventually(
      () => agentApplies('victim', { labels: MANAGED }),
      ({ status }) => status !== 403,
    );
    assert.equal(answer.status, 200);
    assert.equal((await agentDeletes('other-victim')).status, 200);
    assert.equal((await agentApplies('unlabelled', {})).status, 201);
  });
});
