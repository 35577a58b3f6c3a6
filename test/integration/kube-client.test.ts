import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../agent/clock.ts';
import { KubeClient } from '../../agent/kube/client.ts';
import { KubeError } from '../../agent/kube/error.ts';
import { Informer } from '../../agent/kube/informer.ts';
import { METADATA } from '../../agent/kube/media-type.ts';
import { apiPath } from '../../agent/kube/path.ts';
import type { Source, Stored } from '../../agent/kube/source.ts';
import { createLog, type LogFields } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { until } from '../kube/wire.ts';

const SECRETS = { group: '', version: 'v1', resource: 'secrets' };
const THINGS = { group: 'vsecm.com', version: 'v1alpha1', resource: 'vsecmsecrets' };
const CRD = new URL('../../daemonset/10-vsecmsecret-crd.yaml', import.meta.url);
const METADATA_ONLY = { fieldManager: 'vsecm-agent', force: false, metadataOnly: true };

interface Meta {
  metadata: { namespace: string; name: string; uid: string; resourceVersion: string; data?: never };
}

const parse = (object: unknown): Stored => {
  const { namespace, name, uid, resourceVersion } = (object as Meta).metadata;
  return { key: `${namespace}/${name}`, namespace, name, uid, resourceVersion };
};

describe('client and informer on the API server', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  let client: KubeClient;
  const metrics = createMetrics();
  before(async () => {
    cluster = await startCluster();
    client = await KubeClient.load({ kubeconfig: cluster.kubeconfig, metrics });
  });
  after(async () => {
    await client?.close();
    await cluster?.stop();
  });

  /** An informer that runs until `end`. */
  function follow(source: Pick<Source<Stored>, 'name' | 'path' | 'metadataOnly'> & Partial<Source<Stored>>) {
    const changes: string[] = [];
    const lines: (LogFields & { msg: string })[] = [];
    const informer = new Informer<Stored>({
      client,
      source: { namespaces: [], parse, ...source },
      onChange: (now, before, key) =>
        void changes.push(`${now === undefined ? '-' : before === undefined ? '+' : '~'}${key}`),
      log: createLog('info', {}, { write: (line) => lines.push(JSON.parse(line)) }),
      metrics,
      clock: systemClock,
      random: Math.random,
    });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    return { informer, changes, lines, end, synced: () => informer.whenSynced(stop.signal) };
  }

  const secret = (name: string, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    data: { a: 'czNjcjN0' },
    ...more,
  });
  const failure = async (promise: Promise<unknown>): Promise<KubeError> => {
    const error = await promise.then(
      () => assert.fail('it succeeded'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof KubeError, inspect(error));
    assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cr3t|czNjcjN0/);
    return error;
  };

  test('an apply says whether it created, gives metadata back, and a conflict says of what', async () => {
    const path = apiPath(SECRETS, 'default', 'applied');
    const first = await client.apply<Meta>(path, secret('applied'), METADATA_ONLY);
    assert.equal(first.created, true);
    assert.deepEqual(Object.keys(first.object).toSorted(), ['apiVersion', 'kind', 'metadata']);
    const second = await client.apply<Meta>(path, secret('applied'), METADATA_ONLY);
    assert.equal(second.created, false);
    assert.equal(second.object.metadata.resourceVersion, first.object.metadata.resourceVersion);
    const other = client.apply(path, secret('applied', { data: { a: 'Yg==' } }), {
      ...METADATA_ONLY,
      fieldManager: 'other',
    });
    const conflict = await failure(other);
    assert.deepEqual(
      [conflict.status, conflict.reason, conflict.causes],
      [409, 'Conflict', [{ reason: 'FieldManagerConflict', field: '.data.a' }]],
    );
  });

  test('a refusal names the field, and no value', async () => {
    const labelled = secret('labelled', { metadata: { name: 'labelled', labels: { app: 's3cr3t value' } } });
    const invalid = await failure(
      client.apply(apiPath(SECRETS, 'default', 'labelled'), labelled, METADATA_ONLY),
    );
    assert.equal(invalid.status, 422);
    assert.equal(invalid.causes[0]?.field, 'metadata.labels');
    const absent = await failure(
      client.request({ method: 'GET', path: apiPath(SECRETS, 'default', 'absent'), accept: METADATA }),
    );
    assert.deepEqual([absent.status, absent.reason], [404, 'NotFound']);
  });

  test('an informer sees metadata only, and an object without the label as gone', async () => {
    const path = apiPath(SECRETS, 'default', 'seen');
    const labels = { 'vsecm.com/managed': 'true' };
    await client.apply(path, secret('seen', { metadata: { name: 'seen', labels } }), METADATA_ONLY);
    const seen: unknown[] = [];
    const { informer, changes, lines, end, synced } = follow({
      name: 'secrets',
      path: (namespace) => apiPath(SECRETS, namespace),
      namespaces: ['default', 'kube-system'],
      metadataOnly: true,
      labelSelector: 'vsecm.com/managed=true',
      parse: (object) => (seen.push(object), parse(object)),
    });
    await synced();
    assert.deepEqual(
      [...informer.values()].map(({ key }) => key),
      ['default/seen'],
    );
    await client.apply(
      path,
      secret('seen', { metadata: { name: 'seen', labels: { ...labels, more: 'x' } } }),
      METADATA_ONLY,
    );
    await until(() => changes.length === 2);
    await client.apply(path, secret('seen'), METADATA_ONLY);
    await until(() => changes.length === 3);
    assert.deepEqual(changes, ['+default/seen', '~default/seen', '-default/seen']);
    assert.equal(informer.size, 0);
    assert.doesNotMatch(JSON.stringify(seen), /czNjcjN0/);
    assert.deepEqual(lines, []);
    await end();
    assert.match(await metrics.registry.metrics(), /kube_requests_total\{method="WATCH",status="200"\} 2/);
  });

  test('an informer waits for its CRD, and goes on when the CRD changes', async () => {
    const { informer, changes, lines, end, synced } = follow({
      name: 'vsecmsecrets',
      path: (namespace) => apiPath(THINGS, namespace),
      metadataOnly: false,
    });
    await until(() => lines.length === 1);
    assert.equal(lines[0]?.status, 404);
    assert.equal(informer.synced(), false);
    const ended = async (): Promise<boolean> =>
      (await metrics.registry.metrics()).includes(
        'watch_restarts_total{resource="vsecmsecrets",reason="ended"}',
      );
    const crd = await readFile(CRD, 'utf8');
    await cluster.apply(crd);
    await synced();
    await until(() => lines.length === 2);
    const thing = (name: string) => ({
      apiVersion: 'vsecm.com/v1alpha1',
      kind: 'VSecMSecret',
      metadata: { name },
      spec: { data: [{ key: 'a', ref: 'b.c' }] },
    });
    await cluster.apply(thing('first'));
    await until(() => changes.length === 1);
    await cluster.apply(
      crd.replace(
        'additionalPrinterColumns:',
        'additionalPrinterColumns:\n        - { name: More, type: string, jsonPath: .metadata.name }',
      ),
    );
    await cluster.apply(thing('second'));
    await client.request({ method: 'DELETE', path: apiPath(THINGS, 'default', 'first') });
    await until(() => changes.length === 3);
    assert.deepEqual(changes, ['+default/first', '+default/second', '-default/first']);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['the API server does not know this resource yet, trying again', 'list and watch work again'],
    );
    if (cluster.kind === 'real') while (!(await ended())) await setTimeout(20);
    await end();
  });
});
