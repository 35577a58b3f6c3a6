import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, QUIET_MS } from './bench.ts';
import { away } from './fake-safe.ts';
import { conditionOf, specText } from './objects.ts';

const MINUTE = 60_000;
/** From the start of one request to a Safe to the start of the next. */
const FLOOR_MS = 5_000;

async function synced(spec = specText()): Promise<Bench> {
  const bench = new Bench();
  bench.put('db', { spec });
  await bench.pass(7_000);
  assert.equal(bench.secrets.value('db'), 'one');
  return bench;
}

test('a failing Safe shows on healthy resources after a minute, and its end at once', async () => {
  const bench = await synced();
  const puts = bench.puts.length;
  bench.safe.failure = away();
  await bench.pass(QUIET_MS);
  assert.equal(bench.puts.length, puts);
  await bench.pass(11_000);
  assert.equal(bench.status('db').failure?.code, 'SafeUnreachable');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
  assert.equal(bench.puts.length, puts + 1);
  bench.safe.failure = undefined;
  await bench.pass(5 * MINUTE);
  assert.equal(bench.status('db').failure, undefined);
  assert.equal(bench.puts.length, puts + 2);
});

test('a Safe that is back within the minute shows nowhere but in the log', async () => {
  const bench = await synced();
  const puts = bench.puts.length;
  bench.safe.failure = away();
  await bench.pass(20_000);
  bench.safe.failure = undefined;
  await bench.pass(5 * MINUTE);
  assert.equal(bench.puts.length, puts);
  assert.deepEqual([bench.said('Fetching from Safe fails'), bench.said('Safe answers again')], [1, 1]);
});

test('a new resource shows the failure at once', async () => {
  const bench = new Bench();
  bench.safe.failure = away();
  bench.put('db');
  await bench.pass(0);
  assert.equal(bench.status('db').failure?.code, 'SafeUnreachable');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'False');
  bench.safe.failure = undefined;
  await bench.pass(10_000);
  assert.equal(bench.secrets.value('db'), 'one');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
});

test('a spec that changes while Safe is away is served from what is known', async () => {
  const bench = await synced();
  await bench.pass(10_000);
  bench.safe.failure = away();
  await bench.pass(12_000);
  bench.put('db', { spec: specText({ data: [{ key: 'new', ref: 'app.password' }] }) });
  await bench.pass(6_000);
  assert.equal(bench.secrets.value('db', 'new'), 'one');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
  // What is not known is waited for, and told at once.
  bench.put('db', { spec: specText({ data: [{ key: 'new', ref: 'app.gone' }] }) });
  await bench.pass(6_000);
  const { failure, observedGeneration } = bench.status('db');
  assert.deepEqual([failure?.code, observedGeneration], ['SafeUnreachable', 3]);
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'False');
  assert.equal(bench.secrets.value('db', 'new'), 'one');
});

test('a spec that changed while Safe was away is written also after a restart', async () => {
  const bench = await synced();
  await bench.pass(10_000);
  bench.safe.failure = away();
  await bench.pass(2 * MINUTE);
  bench.put('db', { spec: specText({ data: [{ key: 'new', ref: 'app.password' }] }) });
  await bench.pass(MINUTE);
  const anew = new Bench({ after: bench.stop() });
  await anew.pass(10_000);
  anew.safe.failure = undefined;
  await anew.pass(5 * MINUTE);
  assert.equal(anew.secrets.value('db', 'new'), 'one');
});

test('waiting for Safe costs a resource no looks, whatever its interval', async () => {
  const bench = new Bench();
  bench.safe.failure = away();
  for (let index = 0; index < 50; index++) bench.put(`db-${index}`);
  await bench.pass(2 * MINUTE);
  const looks = bench.reconciled.length;
  await bench.pass(60 * MINUTE);
  assert.ok(bench.reconciled.length - looks <= 50, `${bench.reconciled.length - looks} looks`);
});

test('maxStaleness is told at its moment, and its end with the next answer', async () => {
  const bench = await synced(specText({ maxStaleness: '10m' }));
  assert.equal(conditionOf(bench.status('db'), 'Fresh'), 'True');
  bench.safe.failure = away();
  await bench.pass(20_000);
  const confirmedAt = bench.safe.requests.findLast(({ ok }) => ok)!.at;
  await bench.pass(confirmedAt + 10 * MINUTE - 1 - bench.clock.now());
  assert.equal(conditionOf(bench.status('db'), 'Fresh'), 'True');
  await bench.pass(6_000);
  assert.equal(conditionOf(bench.status('db'), 'Fresh'), 'False');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
  bench.safe.failure = undefined;
  await bench.pass(6 * MINUTE);
  assert.equal(conditionOf(bench.status('db'), 'Fresh'), 'True');
});

test('a maxStaleness shorter than the quiet minute is told in time too', async () => {
  const bench = await synced(specText({ maxStaleness: '10s' }));
  bench.safe.failure = away();
  await bench.pass(25_000);
  assert.equal(conditionOf(bench.status('db'), 'Fresh'), 'False');
  assert.equal(bench.status('db').failure?.code, 'SafeUnreachable');
});

test('after a restart the time that Safe was away before counts', async () => {
  const bench = await synced(specText({ maxStaleness: '1h' }));
  bench.safe.failure = away();
  await bench.pass(50 * MINUTE);
  const anew = new Bench({ after: bench.stop() });
  await anew.pass(9 * MINUTE);
  assert.equal(conditionOf(anew.status('db'), 'Fresh'), 'True');
  await anew.pass(2 * MINUTE);
  assert.equal(conditionOf(anew.status('db'), 'Fresh'), 'False');
});

test('a maxStaleness that comes while Safe is away is told in time', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  await bench.pass(30 * MINUTE);
  bench.put('db', { spec: specText({ maxStaleness: '40m' }) });
  await bench.pass(11 * MINUTE);
  assert.equal(conditionOf(bench.status('db'), 'Fresh'), 'False');
});

test('one retry stream, whatever number of resources waits', async () => {
  const one = new Bench();
  const many = new Bench();
  for (const [bench, count] of [
    [one, 1],
    [many, 300],
  ] as const) {
    bench.safe.failure = away();
    for (let index = 0; index < count; index++) bench.put(`db-${index}`);
    await bench.pass(30 * MINUTE);
    assert.ok(bench.safe.requests.length <= 40, `${bench.safe.requests.length} requests of ${count}`);
    bench.safe.failure = undefined;
    await bench.pass(5 * MINUTE);
    assert.equal(bench.secrets.value(`db-${count - 1}`), 'one');
  }
});

test('a Safe that failed for long is asked at once when another agent has served a resource meanwhile', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  await bench.pass(60 * MINUTE);
  const asked = bench.safe.requests.length;
  bench.safe.failure = undefined;
  bench.safe.register('app', { password: 'two' });
  // The network around this agent was cut, a successor took over, and now the watch speaks again.
  bench.put('db', { status: { ...bench.status('db'), node: 'node-2' } });
  await bench.pass(FLOOR_MS);
  assert.equal(bench.secrets.value('db'), 'two');
  assert.ok(bench.safe.requests.length <= asked + 2, `${bench.safe.requests.length - asked}`);
});
