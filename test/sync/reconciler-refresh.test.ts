import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, synced } from './bench.ts';
import { away } from './fake-safe.ts';
import { conditionOf, HOURLY, specText } from './objects.ts';

test('another value of the annotation refreshes now, and status tells when that is done', async () => {
  const bench = await synced();
  bench.safe.register('app', { password: 'two' });
  bench.put('db', { refresh: 'a' });
  await bench.pass(0);
  assert.equal(bench.secrets.value('db'), 'two');
  assert.equal(bench.status('db').handledRefresh, 'a');
});

test('the floor of five seconds holds for a refresh too', async () => {
  const bench = await synced();
  bench.put('db', { refresh: 'a' });
  await bench.pass(1_000);
  bench.put('db', { refresh: 'b' });
  await bench.pass(3_900);
  assert.equal(bench.status('db').handledRefresh, 'a');
  await bench.pass(5_000);
  assert.equal(bench.status('db').handledRefresh, 'b');
  const [first, second] = bench.safe.requests.slice(-2);
  assert.equal(second!.at - first!.at, 5_000);
});

test('a refresh that Safe refuses ends too, and says why at once', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  bench.put('db', { refresh: 'a' });
  await bench.pass(0);
  assert.equal(bench.status('db').handledRefresh, 'a');
  assert.equal(bench.status('db').failure?.code, 'SafeUnreachable');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
});

test('while Safe fails a refresh asks once more, and its failure is told', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  bench.put('db', { refresh: 'a' });
  await bench.pass(400_000);
  bench.put('db', { refresh: 'b' });
  await bench.pass(6_000);
  assert.equal(bench.status('db').handledRefresh, 'b');
  bench.safe.failure = undefined;
  bench.safe.register('app', { password: 'two' });
  bench.put('db', { refresh: 'c' });
  await bench.pass(6_000);
  assert.equal(bench.secrets.value('db'), 'two');
  assert.deepEqual([bench.status('db').handledRefresh, bench.status('db').failure], ['c', undefined]);
});

test('a refresh does not ask before the end of a Retry-After', async () => {
  const bench = await synced();
  bench.safe.failure = away({ retryAfterMs: 120_000 });
  bench.put('db', { refresh: 'a' });
  await bench.pass(0);
  const asked = bench.safe.requests.length;
  for (let index = 0; index < 11; index++) {
    bench.put('db', { refresh: `again-${index}` });
    await bench.pass(10_000);
  }
  assert.equal(bench.safe.requests.length, asked);
  bench.safe.failure = undefined;
  await bench.pass(20_000);
  assert.equal(bench.safe.requests.length, asked + 1);
  assert.equal(bench.status('db').handledRefresh, 'again-10');
});

test('a refresh ends also where the resource itself is at fault', async () => {
  const bench = await synced();
  bench.put('db', { spec: specText({ data: [] }), refresh: 'spec' });
  await bench.pass(10_000);
  assert.deepEqual(
    [bench.status('db').failure?.code, bench.status('db').handledRefresh],
    ['InvalidSpec', 'spec'],
  );
  bench.put('db', { spec: specText({ data: [{ key: 'password', ref: 'app.gone' }] }), refresh: 'ref' });
  await bench.pass(10_000);
  assert.deepEqual(
    [bench.status('db').failure?.code, bench.status('db').handledRefresh],
    ['RefNotFound', 'ref'],
  );
  bench.secrets.edit('theirs');
  bench.put('db', { spec: specText({ target: { name: 'theirs' } }), refresh: 'conflict' });
  await bench.pass(10_000);
  assert.deepEqual(
    [bench.status('db').failure?.code, bench.status('db').handledRefresh],
    ['TargetConflict', 'conflict'],
  );
});

test('a refresh that was not handled before a restart is handled after it, a handled one is not', async () => {
  const bench = await synced();
  bench.put('db', { refresh: 'a' });
  await bench.pass(10_000);
  const asked = bench.safe.requests.length;
  const anew = new Bench({ after: bench.stop() });
  await anew.pass(0);
  assert.equal(anew.safe.requests.length, asked + 1);
  assert.equal(anew.puts.length, 0);
  anew.stop();
  anew.resources.set('team-a/db', { ...anew.resources.get('team-a/db')!, refresh: 'b' });
  const third = new Bench({ after: anew });
  await third.pass(6_000);
  assert.equal(third.status('db').handledRefresh, 'b');
});

test('an annotation that goes is a change like any, and nothing is handled any more', async () => {
  const bench = await synced();
  bench.put('db', { refresh: 'a' });
  await bench.pass(10_000);
  bench.put('db', { refresh: '' });
  await bench.pass(10_000);
  assert.equal(bench.status('db').handledRefresh, undefined);
});

test('a forced refresh of one brings the new value to all who use it', async () => {
  const bench = await synced();
  for (let index = 0; index < 20; index++) bench.put(`other-${index}`, { spec: specText(HOURLY) });
  await bench.pass(20_000);
  bench.safe.register('app', { password: 'two' });
  bench.put('db', { refresh: 'a' });
  await bench.pass(0);
  for (let index = 0; index < 20; index++) assert.equal(bench.secrets.value(`other-${index}`), 'two');
});
