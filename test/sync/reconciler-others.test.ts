import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretApiError } from '../../agent/target/secret-api.ts';
import { Bench } from './bench.ts';
import { conditionOf, specText } from './objects.ts';

async function synced(spec = specText(), bench = new Bench()): Promise<Bench> {
  bench.put('db', { spec });
  await bench.pass(10_000);
  assert.equal(bench.secrets.value('db'), 'one');
  return bench;
}

test('an answer that was evicted costs one request, and the Secret stays right', async () => {
  const bench = await synced(specText({ refreshInterval: '1h' }));
  const asked = bench.safe.requests.length;
  const [fetcher] = bench.engine.fetchers.all();
  bench.cache.release(fetcher!.dial);
  bench.secrets.remove('db');
  await bench.pass(10_000);
  assert.equal(bench.secrets.value('db'), 'one');
  assert.equal(bench.safe.requests.length, asked + 1);
});

test('an answer larger than the cache serves nobody wrongly', async () => {
  const bench = new Bench({ cacheBytes: 10 });
  bench.put('db');
  await bench.pass(60_000);
  assert.equal(bench.secrets.stored('db'), undefined);
  assert.ok(bench.safe.requests.length <= 13, `${bench.safe.requests.length}`);
});

test('when another agent writes its name into the status, ours is put back once', async () => {
  const bench = await synced();
  const puts = bench.puts.length;
  bench.put('db', { status: { ...bench.status('db'), node: 'node-2' } });
  await bench.pass(59_000);
  assert.equal(bench.puts.length, puts);
  await bench.pass(2_000);
  assert.equal(bench.status('db').node, 'node-1');
  assert.equal(bench.puts.length, puts + 1);
});

test('an API server that does not answer is asked again', async () => {
  const bench = new Bench();
  bench.secrets.refuse = () => 'unavailable';
  bench.put('db');
  await bench.pass(30_000);
  assert.equal(bench.status('db').failure?.code, 'ApiUnavailable');
  assert.equal(conditionOf(bench.status('db'), 'Stalled'), undefined);
  bench.secrets.refuse = () => undefined;
  await bench.pass(60_000);
  assert.equal(bench.secrets.value('db'), 'one');
  assert.equal(bench.status('db').failure, undefined);
});

test('an API server that asks to wait is left alone until then', async () => {
  const bench = new Bench();
  bench.secrets.refuse = () => new SecretApiError('unavailable', { retryAfterMs: 60_000 });
  bench.put('db');
  await bench.pass(59_000);
  assert.equal(bench.secrets.writes.length, 1);
});

test('a Secret that was written and never shown by the watch is looked up once', async () => {
  const bench = new Bench();
  bench.secrets.onChange = () => {};
  bench.put('db', { spec: specText({ refreshInterval: '1h' }) });
  await bench.pass(0);
  const calls = bench.secrets.calls.length;
  bench.secrets.remove('db');
  await bench.pass(61_000);
  assert.deepEqual(
    bench.secrets.calls.slice(calls).map(({ verb }) => verb),
    ['get', 'apply'],
  );
});

test('a resource made anew under the same name begins anew', async () => {
  const bench = await synced();
  bench.put('db', { uid: 'uid-anew', generation: 1, status: {}, createdAt: '2026-02-01T00:00:00Z' });
  await bench.pass(10_000);
  assert.deepEqual(bench.secrets.stored('db')?.ownerUids, ['uid-anew']);
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
});

test('a resource that turns to another Safe leaves the first one in peace', async () => {
  const bench = await synced();
  bench.put('db', { spec: specText({ vsecmSafeURL: 'https://second' }) });
  await bench.pass(0);
  const from = bench.safe.requests.length;
  await bench.pass(60_000);
  const dials = new Set(bench.safe.requests.slice(from).map(({ dial }) => dial));
  assert.deepEqual([...dials], ['https://second/workload/v1/secrets']);
});

test('a Safe that is not allowed is never asked', async () => {
  const bench = new Bench();
  bench.put('db', { spec: specText({ vsecmSafeURL: 'https://forbidden' }) });
  await bench.pass(600_000);
  assert.equal(bench.status('db').failure?.code, 'SafeNotAllowed');
  assert.deepEqual(bench.safe.requests, []);
});

test('a secret used without a grant is warned of once, where grants only warn', async () => {
  const bench = new Bench({ grants: 'warn' });
  bench.safe.register('app', { password: 'one' }, { namespaces: ['team-b'] });
  await synced(specText(), bench);
  await bench.pass(60_000);
  assert.equal(bench.said('Secret of Safe used without a grant'), 1);
});

test('no line, Event or status ever holds a value', async () => {
  const bench = new Bench();
  bench.safe.register('app', { password: 's3cret-value' });
  bench.put('db');
  bench.put('wrong', { spec: specText({ data: [{ key: 'k', ref: 'app.gone' }] }) });
  bench.put('label', { spec: specText({ labels: [{ key: 'a', ref: 'app.labels.x' }] }) });
  await bench.pass(10_000);
  bench.secrets.refuse = () => new SecretApiError('invalid', { fields: ['data'] });
  bench.safe.register('app', { password: 's3cret-value-2' });
  await bench.pass(60_000);
  assert.doesNotMatch(JSON.stringify([bench.lines, bench.events, bench.puts]), /s3cret/);
});
