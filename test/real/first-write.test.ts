import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { KubeClient } from '../../agent/kube/client.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { secretApi } from '../../agent/target/kube-secrets.ts';
import { SecretApiError } from '../../agent/target/secret-api.ts';
import { secretBody } from '../../agent/target/secret-body.ts';
import { secretPath } from '../stage/await-object.ts';
import { Stage } from '../stage/stage.ts';
import { desiredOf, resourceOf, specOf } from '../sync/objects.ts';

/** Who writes, and so whether the admission policy has a say: where it has none, the API server itself holds it. */
const WRITERS = {
  agent: 'under the shipped admission policy',
  administrator: 'without any admission policy',
};
type Writer = keyof typeof WRITERS;

let stage: Stage;
const clients = {} as Record<Writer, KubeClient>;
before(async () => {
  stage = await Stage.start({ kind: 'real' });
  const kubeconfigs = {
    agent: (await stage.join('node-1'))['KUBECONFIG'] ?? '',
    administrator: stage.cluster.kubeconfig,
  };
  for (const writer of ['agent', 'administrator'] as const) {
    await stage.namespace(writer);
    clients[writer] = await KubeClient.load({ kubeconfig: kubeconfigs[writer], metrics: createMetrics() });
  }
});
after(async () => {
  for (const client of Object.values(clients)) await client.close();
  await stage.close();
});

for (const [ns, what] of Object.entries(WRITERS)) {
  const target = (name: string) => specOf({ target: { name, creationPolicy: 'Orphan' } }).target;
  const create = (name: string, password: string) => {
    const resource = resourceOf({ namespace: ns, uid: '6f6c5c5e-0000-4000-8000-000000000001' });
    const body = secretBody(resource, target(name), desiredOf({ password }));
    const api = secretApi(clients[ns as Writer], systemClock);
    return api.apply(ns, name, body, { force: true, guard: () => true });
  };
  const look = (name: string): Promise<any> => stage.cluster.admin.ok('GET', secretPath(ns, name));
  const metFull = async (name: string): Promise<void> => {
    const before = await look(name);
    const met = await create(name, 'older').catch((error: unknown) => error);
    assert.ok(met instanceof SecretApiError && ['stale', 'forbidden'].includes(met.refusal), String(met));
    assert.deepEqual(await look(name), before);
  };

  test(`${what}, a first write makes the Secret where none is, and what another agent made stays as it is`, async () => {
    assert.equal((await create('db', 'newer')).created, true);
    await metFull('db');
  });

  test(`${what}, it stays as it is also where somebody annotated it meanwhile`, async () => {
    await create('annotated', 'newer');
    const metadata = { annotations: { 'field.example.com/project': 'p-1' } };
    await stage.cluster.admin.ok(
      'PATCH',
      secretPath(ns, 'annotated'),
      { metadata },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    await metFull('annotated');
  });

  test(`${what}, so does what somebody else made, empty or not`, async () => {
    for (const [name, data] of [
      ['empty', {}],
      ['full', { password: 'dGhlaXJz' }],
    ] as const) {
      await stage.cluster.admin.ok('POST', `/api/v1/namespaces/${ns}/secrets`, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name },
        data,
      });
      await metFull(name);
    }
  });
}
