import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import { GOOD_REFS, HOSTILE_REFS } from '../api/ref-cases.ts';
import { GOOD_SPECS, resource, WRONG_SPECS } from '../api/spec-cases.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import type { ApiAnswer } from '../devcluster/api-client.ts';
import { eventually } from './shipped.ts';

const CRD = fileURLToPath(new URL('../../daemonset/10-vsecmsecret-crd.yaml', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../daemonset/examples/', import.meta.url));
const SNAPSHOT = new URL('crd-messages.md', import.meta.url);
const COLLECTION = '/apis/vsecm.com/v1alpha1/namespaces/default/vsecmsecrets';

const SPEC_FIELDS = [
  'annotations',
  'data',
  'dataFrom',
  'labels',
  'maxStaleness',
  'refreshInterval',
  'restart',
  'secretType',
  'suspend',
  'target',
  'values',
  'vsecmSafeURL',
];

/** Specs to be shown, each under a name of its own. */
const SAMPLES = ['all fields', 'only data'];

describe('the CRD on the real kube-apiserver', { timeout: 240_000 }, () => {
  let cluster: TestCluster;
  const dryRun = (spec: unknown): Promise<ApiAnswer> =>
    cluster.request('POST', `${COLLECTION}?dryRun=All`, resource(spec));

  before(async () => {
    cluster = await startCluster({ kind: 'real' });
    const { stderr, exitCode } = await cluster.kubectl(['apply', '-f', CRD]);
    assert.deepEqual([exitCode, stderr], [0, '']);
    await eventually(
      () => cluster.request('GET', COLLECTION),
      ({ status }) => status === 200,
    );
  });
  after(() => cluster?.stop());

  test('takes every good spec, as the agent does', async () => {
    for (const [name, spec] of Object.entries(GOOD_SPECS)) {
      const { status, body } = await dryRun(spec);
      assert.equal(status, 201, `${name}: ${body.message}`);
      assert.doesNotThrow(() => parseSpec(body), name);
    }
  });

  test('refuses every wrong spec, with messages that are kept for review', async () => {
    const refusals: [string, string[]][] = [];
    for (const [name, { spec }] of Object.entries(WRONG_SPECS)) {
      const { status, body } = await dryRun(spec);
      assert.equal(status, 422, name);
      refusals.push([
        name,
        body.details.causes
          .filter((cause: any) => cause.field !== '<nil>')
          .map((cause: any) => `${cause.field}: ${shorten(cause.message)}`)
          // The server goes through the fields in any order.
          .toSorted(),
      ]);
    }
    const text = snapshotOf(refusals);
    if (process.env.UPDATE_SNAPSHOTS === '1') await writeFile(SNAPSHOT, text);
    const kept = await readFile(SNAPSHOT, 'utf8');
    const { minor } = (await cluster.request('GET', '/version')).body;
    // Seen on 1.34: a rule's refusal names the type where later versions show the value, or nothing.
    const plain = (all: string): string =>
      all.replaceAll(/Invalid value: (?:"(?:[^"\\]|\\.)*"|\d+): /g, 'Invalid value: ');
    if (minor === '37') assert.equal(text, kept, 'UPDATE_SNAPSHOTS=1 writes the snapshot anew');
    else assert.equal(plain(text), plain(kept));
  });

  test('judges refs as the agent does', async () => {
    const judge = async (ref: string): Promise<{ server: boolean; agent: boolean }> => {
      const spec = { data: [{ key: 'a', ref }] };
      const { status } = await dryRun(spec);
      let agent = true;
      try {
        parseSpec(resource(spec));
      } catch {
        agent = false;
      }
      return { server: status === 201, agent };
    };
    for (const ref of GOOD_REFS) assert.deepEqual(await judge(ref), { server: true, agent: true }, ref);
    for (const ref of HOSTILE_REFS)
      assert.deepEqual(await judge(ref), { server: false, agent: false }, JSON.stringify(ref));
  });

  test('drops fields that it does not know, and says so under strict validation', async () => {
    const spec = { ...GOOD_SPECS['only data'], suspended: true };
    const { status, body } = await cluster.request(
      'POST',
      `${COLLECTION}?dryRun=All&fieldValidation=Strict`,
      resource(spec),
    );
    assert.equal(status, 400);
    assert.match(body.message, /unknown field "spec\.suspended"/);
  });

  test('fills in the defaults, and a status that shows the resource in progress', async () => {
    const { body } = await dryRun({ data: [{ key: 'a', ref: 's.a' }] });
    assert.deepEqual(body.spec, {
      data: [{ key: 'a', ref: 's.a' }],
      refreshInterval: '1h',
      secretType: 'k8s',
      target: {},
    });
    assert.deepEqual(body.status, { observedGeneration: -1 });
  });

  test('shows what matters in kubectl get, and explains itself', async () => {
    for (const [index, name] of SAMPLES.entries()) {
      const object = {
        ...resource(GOOD_SPECS[name]),
        metadata: { name: `sample-${index}`, namespace: 'default' },
      };
      assert.equal((await cluster.request('POST', COLLECTION, object)).status, 201);
    }
    const since = '2026-11-24T08:00:00Z';
    const message = 'spec.data[0].ref (s.a): no secret fits';
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'NotGranted',
      message,
      lastTransitionTime: since,
    };
    const failure = { stage: 'resolve', code: 'NotGranted', message, hint: 'register it', since };
    const status = {
      observedGeneration: 1,
      conditions: [condition],
      failure,
      node: 'node-1',
      sourceUpdated: since,
      handledRefresh: '1',
      lastSyncTime: since,
      secret: { name: 'database-credentials', resourceVersion: '7' },
    };
    const path = `${COLLECTION}/sample-0/status`;
    const written = await cluster.request(
      'PATCH',
      path,
      { status },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.deepEqual(written.body.status, status);

    const shown = (await cluster.kubectl(['get', 'vss', '-o', 'wide'])).stdout.split('\n');
    assert.match(shown[0]!, /^NAME +READY +REASON +SECRET +REFRESH +SYNCED +NODE +AGE +SAFE URL +MESSAGE *$/);
    assert.match(
      shown[1]!,
      /^sample-0 +False +NotGranted +database-credentials +1h +\S+ +node-1 +\S+ +https:\/\/path\/to\/vsecm\/safe\/api\/endpoint +spec\.data/,
    );
    assert.match((await cluster.kubectl(['get', 'vsecm'])).stdout, /sample-1/);
    const { stdout } = await cluster.kubectl(['explain', 'vss.spec']);
    for (const field of SPEC_FIELDS)
      assert.match(stdout, new RegExp(`^  ${field}\t.*\n(  enum: .*\n)?    \\w`, 'm'));
  });

  test('takes the examples as they are', async () => {
    for (const example of await readdir(EXAMPLES)) {
      const applied = await cluster.kubectl(['apply', '-o', 'json', '-f', EXAMPLES + example]);
      assert.deepEqual([applied.exitCode, applied.stderr], [0, ''], example);
      const { items, ...single } = JSON.parse(applied.stdout);
      for (const object of (items ?? [single]) as { kind: string }[])
        if (object.kind === 'VSecMSecret') assert.doesNotThrow(() => parseSpec(object), example);
    }
  });
});

/** Over-long input is repeated in some messages. */
const shorten = (message: string): string => message.replace(/(.)\1{40,}|(1h){15,}/g, '$1$2…');

const snapshotOf = (refusals: [string, string[]][]): string =>
  [
    '# What the API server says to a wrong VSecMSecret',
    '',
    'Each rule of the CRD broken once, seen on kube-apiserver 1.37. Written by `crd.test.ts` under UPDATE_SNAPSHOTS=1.',
    'Left out: that the CEL rules are not checked as long as a type, a length or an enum is wrong.',
    ...refusals.flatMap(([name, messages]) => [
      '',
      `## ${name}`,
      ...messages.map((message) => `- ${message}`),
    ]),
    '',
  ].join('\n');
