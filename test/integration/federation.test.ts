import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DevSpire } from '../devcluster/spire.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { failsWith, isReady, vssPath } from '../stage/await-object.ts';
import { OtherCluster } from '../stage/other-cluster.ts';
import { vsecm } from '../cli/command-line.ts';
import { Scene, valuesOf, vss } from '../stage/scene.ts';
import { eventually, Witness } from '../stage/witness.ts';

const URL = 'https://safe.b.example';

let scene: Scene;
let other: OtherCluster;
let spire: DevSpire;

before(async () => {
  scene = await Scene.start(async (stage) => {
    other = await OtherCluster.start(stage);
    spire = await stage.spire('node-1');
    other.federate(spire);
    return {
      VSECM_AGENT_SAFES: JSON.stringify([{ url: URL, dial: other.safe.url, trustDomain: 'b.example' }]),
      VSECM_AGENT_SAFE_TIMEOUT: '3s',
    };
  });
  await scene.register('db', '{"password":"home"}', ['shop']);
  await other.register('db', '{"password":"elsewhere"}', ['vsecm.com/shop']);
  await scene.stage.namespace('shop');
});
after(async () => {
  await scene.close();
  await other.close();
});

const spec = (safe: string | undefined, more: object = {}) => ({
  ...(safe !== undefined && { vsecmSafeURL: safe }),
  data: [{ key: 'password', ref: 'db.password' }],
  ...more,
});
const holds = (value: string) => (secret: any) => valuesOf(secret)['password'] === value;

test('a resource that names the Safe of another cluster gets its Secret from there', async () => {
  await scene.apply([vss('here', spec(undefined)), vss('there', spec(URL))], 'shop');
  await scene.vss('shop', 'here');
  await scene.vss('shop', 'there');
  assert.deepEqual(valuesOf(await scene.secret('shop', 'here')), { password: 'home' });
  assert.deepEqual(valuesOf(await scene.secret('shop', 'there')), { password: 'elsewhere' });
  assert.deepEqual(
    new Set(other.safe.reads.map(({ spiffeId, status }) => `${status} ${spiffeId}`)),
    new Set([
      '200 spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/vsecm-agent-node-1',
    ]),
  );
});

test('the agent of another cluster reads there and writes nothing', async () => {
  const name = 'spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/x';
  const { chainPem, keyPem } = await scene.stage.authority.ca.issue({ id: name });
  const peer = other.safe.with({ cert: chainPem, key: keyPem });
  assert.equal((await peer.read()).status, 200);
  assert.equal((await peer.register({ name: 'raw:db', value: 'x' })).status, 400);
  const scout = await scene.stage.authority.ca.issue({
    id: 'spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-system/sa/vsecm-scout/n/x',
  });
  await assert.rejects(other.safe.with({ cert: scout.chainPem, key: scout.keyPem }).read());
});

test('value and bundle rotate under way, and no fetch is lost', async () => {
  const from = scene.agent.log.lines.length;
  for (let turn = 0; turn < 5; turn += 1) {
    await other.rotateCa();
    if (turn === 2) await spire.rotateCa();
    await other.register('db', `{"password":"turn ${turn}"}`, ['vsecm.com/shop']);
    await scene.refresh('shop', 'there');
    await scene.secret('shop', 'there', holds(`turn ${turn}`));
  }
  const lines = scene.agent.log.lines.slice(from);
  assert.deepEqual(
    lines.filter(({ level }) => level === 'warn'),
    [],
  );
  assert.ok(lines.some(({ msg }) => msg === 'federated trust bundle rotated'));
  assert.ok(other.safe.reads.every(({ status }) => status === 200));
});

test('the withdrawal of the federation ends what is under way, stops all requests and is told; it heals by itself', async () => {
  const witness = new Witness(scene);
  other.safe.fault = faults.hang();
  const reads = other.safe.reads.length;
  await scene.patch(vssPath('shop', 'there'), { metadata: { annotations: { 'vsecm.com/refresh': 'cut' } } });
  await other.safe.whenRead(reads + 1);
  const before = await scene.secret('shop', 'there');

  const from = scene.agent.log.lines.length;
  spire.unfederate(other.authority);
  await scene.vss('shop', 'there', failsWith('TrustDomainNotFederated'));
  assert.equal(await other.safe.connections(), 0);
  other.safe.fault = undefined;
  const line = await scene.agent.log.when(({ msg }) => msg === 'Fetching from Safe fails', from);
  assert.deepEqual([line['code'], line['safeURL']], ['TrustDomainNotFederated', URL]);
  assert.match(String(line['hint']), /federatesWith: \[b\.example\].*ClusterFederatedTrustDomain/);
  assert.ok(scene.agent.log.lines.slice(from).some(({ msg }) => msg === 'trust domain no longer federated'));
  const { status } = await scene.vss('shop', 'there', failsWith('TrustDomainNotFederated'));
  assert.match(status.failure.message, /https:\/\/safe\.b\.example/);
  assert.deepEqual(await scene.secret('shop', 'there'), before);

  await scene.refresh('shop', 'there');
  await scene.refresh('shop', 'here');
  assert.equal((await scene.vss('shop', 'here')).status.failure, undefined);
  assert.equal(other.safe.reads.length, reads + 1);
  await eventually('metric', async () => {
    const expiry = await witness.metric('safe_bundle_expiry_timestamp_seconds', { url: URL });
    return expiry === 0;
  });

  other.federate(spire);
  await scene.vss('shop', 'there', (one) => isReady(one) && one.status.failure === undefined);
  await other.register('db', '{"password":"again"}', ['vsecm.com/shop']);
  await scene.refresh('shop', 'there');
  await scene.secret('shop', 'there', holds('again'));
  await eventually('metric', async () => {
    const expiry = await witness.metric('safe_bundle_expiry_timestamp_seconds', { url: URL });
    return expiry > Date.now() / 1000;
  });
});

test('grants in a Safe elsewhere count with this cluster’s name before them, whole', async () => {
  const grants: [string, string[], boolean][] = [
    ['plain', ['shop'], false],
    ['star', ['*'], false],
    ['both-stars', ['*/shop', '*/*'], false],
    ['another-cluster', ['b.example/shop', 'vsecm.com.evil/shop', 'VSECM.COM/shop'], false],
    ['prefix', ['vsecm.com/shop-2', 'vsecm.com/sho', 'vsecm.com/', 'vsecm.com'], false],
    ['qualified', ['vsecm.com/shop'], true],
    ['all-here', ['vsecm.com/*'], true],
    ['among-others', ['shop', 'vsecm.com/shop'], true],
  ];
  for (const [name, namespaces] of grants) await other.register(name, '{"password":"x"}', namespaces);
  for (const [name, , granted] of grants) {
    const data = [{ key: 'password', ref: `${name}.password` }];
    await scene.apply(vss(name, { vsecmSafeURL: URL, data }), 'shop');
    const { status } = await scene.vss('shop', name, granted ? isReady : failsWith('NotGranted'));
    if (!granted)
      assert.match(
        status.failure.hint,
        new RegExp(`^In the cluster of that Safe: .*raw:${name} -n vsecm.com/shop `),
      );
  }
});

test('at home a plain name counts, and so does this cluster’s', async () => {
  for (const [name, namespaces] of [
    ['home-plain', ['shop']],
    ['home-qualified', ['vsecm.com/shop']],
    ['home-all', ['vsecm.com/*']],
  ] as const) {
    await scene.register(name, '{"password":"x"}', [...namespaces]);
    await scene.apply(vss(name, { data: [{ key: 'password', ref: `${name}.password` }] }), 'shop');
    await scene.vss('shop', name);
  }
});

test('kubectl vsecm identity has the agent meet each Safe, and tells how far it came and what to do', async () => {
  const { pagePort } = await scene.agent.log.when(({ msg }) => msg === 'Agent started');
  const identity = async () => {
    const url = `http://127.0.0.1:${Number(pagePort)}/`;
    return vsecm(scene.stage.cluster.kubeconfig, ['identity', '--state-url', url]);
  };
  const both = await identity();
  assert.match(
    both.out,
    /^node-1 .* ok +ok +ok +spiffe:\/\/vsecm\.com\/\S+ +accepted +vsecm\.com: \d+ roots? since /m,
  );
  assert.match(
    both.out,
    /^node-1 +https:\/\/safe\.b\.example +ok +ok +ok +spiffe:\/\/b\.example\/\S+ +accepted +b\.example: \d+ roots? since /m,
  );
  assert.equal(both.code, 0);

  await other.safe.stop();
  await eventually('failure', async () => {
    const { out, code } = await identity();
    return code === 1 && /safe\.b\.example +ok +failed +- +- +SafeUnreachable \(ECONNREFUSED\)/.test(out);
  });
  await other.safe.start();
});
