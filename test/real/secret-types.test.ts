import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster, type TestCluster } from '../cluster.ts';
import { ACCEPTED, REFUSED } from '../resolve/typed-secrets.ts';

describe('types of Secrets on the real kube-apiserver', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  const create = async (type: string, stringData: object): Promise<{ status: number; message: string }> => {
    const { status, body } = await cluster.request('POST', '/api/v1/namespaces/default/secrets?dryRun=All', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'sample' },
      type,
      stringData,
    });
    return { status, message: body.message };
  };
  before(async () => {
    cluster = await startCluster({ kind: 'real' });
  });
  after(() => cluster?.stop());

  test('the API server takes what the agent takes', async () => {
    for (const { type, data } of ACCEPTED) {
      const { status, message } = await create(type, data);
      assert.equal(status, 201, `${type}: ${message}`);
    }
  });

  test('the API server refuses what the agent refuses', async () => {
    for (const { type, data } of REFUSED)
      assert.equal((await create(type, data)).status, 422, `${type} ${JSON.stringify(data)}`);
  });
});
