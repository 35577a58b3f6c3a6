import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './bench.ts';
import { away } from './fake-safe.ts';
import { specText } from './objects.ts';

const MANY = 200;

async function many(spec = specText()): Promise<Bench> {
  const bench = new Bench();
  for (let index = 0; index < MANY; index++) bench.put(`db-${index}`, { spec });
  await bench.pass(20_000);
  assert.equal(bench.puts.length, MANY);
  return bench.stop();
}

test('a restart reads Safe once and writes nothing where status proves the Secrets right', async () => {
  const bench = await many();
  const [calls, requests] = [bench.secrets.calls.length, bench.safe.requests.length];
  const anew = new Bench({ after: bench });
  await anew.pass(4_000);
  assert.deepEqual([anew.secrets.calls.length, anew.puts.length], [calls, 0]);
  assert.equal(anew.safe.requests.length, requests + 1);
  assert.equal(anew.events.length, 0);
});

test('a takeover writes one status for each, and paces them', async () => {
  const bench = await many();
  const calls = bench.secrets.calls.length;
  const other = new Bench({ after: bench, node: 'node-2' });
  await other.pass(4_900);
  assert.ok(other.puts.length > 80 && other.puts.length <= 100, `${other.puts.length}`);
  await other.pass(10_000);
  assert.deepEqual([other.secrets.calls.length, other.puts.length], [calls, MANY]);
  assert.ok(other.puts.every(({ status }) => status.node === 'node-2'));
});

test('after a restart a Secret that somebody changed meanwhile is applied, and only that one', async () => {
  const bench = await many();
  bench.secrets.edit('db-7');
  bench.secrets.remove('db-8');
  const writes = bench.secrets.writes.length;
  await new Bench({ after: bench }).pass(4_000);
  assert.deepEqual(
    bench.secrets.writes
      .slice(writes)
      .map(({ name }) => name)
      .sort(),
    ['db-7', 'db-8'],
  );
});

test('after a restart a value that changed meanwhile is written', async () => {
  const bench = await many();
  bench.safe.register('app', { password: 'two' });
  await new Bench({ after: bench }).pass(4_000);
  assert.equal(bench.secrets.value('db-0'), 'two');
});

test('with refreshInterval 0s a restart asks nothing at all', async () => {
  const bench = await many(specText({ refreshInterval: '0s' }));
  const [calls, requests] = [bench.secrets.calls.length, bench.safe.requests.length];
  const anew = new Bench({ after: bench });
  await anew.pass(3_600_000);
  assert.deepEqual(
    [anew.secrets.calls.length, anew.safe.requests.length, anew.puts.length],
    [calls, requests, 0],
  );
  anew.secrets.remove('db-3');
  await anew.pass(10_000);
  assert.equal(anew.secrets.value('db-3'), 'one');
});

test('with refreshInterval 0s a failure that status tells of is looked into after a restart', async () => {
  const bench = new Bench();
  bench.put('db', { spec: specText({ refreshInterval: '0s' }) });
  await bench.pass(10_000);
  bench.safe.failure = away();
  bench.put('db', { refresh: 'now' });
  await bench.pass(10_000);
  assert.equal(bench.status('db').failure?.code, 'SafeUnreachable');
  bench.stop().safe.failure = undefined;
  await new Bench({ after: bench }).pass(10_000);
  assert.equal(bench.status('db').failure, undefined);
});

test('suspended, nothing is refreshed, repaired or asked, also after a restart', async () => {
  const bench = new Bench();
  bench.put('db');
  await bench.pass(10_000);
  bench.put('db', { spec: specText({ suspend: true, data: [{ key: 'new', ref: 'app.password' }] }) });
  await bench.pass(10_000);
  const [calls, requests, puts] = [bench.secrets.calls.length, bench.safe.requests.length, bench.puts.length];
  const check = async (one: Bench, written: number): Promise<void> => {
    one.safe.register('app', { password: 'two' });
    one.secrets.edit('db');
    await one.pass(3_600_000);
    assert.deepEqual([one.secrets.calls.length, one.safe.requests.length], [calls, requests]);
    assert.equal(one.puts.length, written);
  };
  await check(bench, puts);
  const anew = new Bench({ after: bench.stop() });
  await check(anew, 0);
  anew.secrets.remove('db');
  await anew.pass(60_000);
  assert.equal(anew.secrets.stored('db'), undefined);
  anew.put('db', { spec: specText({ data: [{ key: 'new', ref: 'app.password' }] }) });
  await anew.pass(10_000);
  assert.equal(anew.secrets.value('db', 'new'), 'two');
});

test('720h after it began, and after a restart, a resource is refreshed', async () => {
  const bench = new Bench();
  const spec = specText({ refreshInterval: '720h' });
  bench.put('db', { spec });
  await bench.pass(10_000);
  bench.safe.register('app', { password: 'two' });
  await bench.pass(720 * 3_600_000);
  assert.equal(bench.secrets.value('db'), 'two');
  assert.equal(bench.safe.requests.length, 2);
  const anew = new Bench({ after: bench.stop() });
  await anew.pass(10_000);
  anew.safe.register('app', { password: 'three' });
  await anew.pass(720 * 3_600_000);
  assert.equal(anew.secrets.value('db'), 'three');
});

test('a namespace that goes to another agent is let go of, and taken up when it comes back', async () => {
  const bench = new Bench();
  bench.put('db');
  await bench.pass(10_000);
  bench.elsewhere.add('team-a');
  bench.queue.add('team-a/db');
  await bench.pass(0);
  assert.equal(bench.engine.tracked.size, 0);
  const [calls, requests] = [bench.secrets.calls.length, bench.safe.requests.length];
  bench.secrets.edit('db');
  await bench.pass(600_000);
  assert.deepEqual([bench.secrets.calls.length, bench.safe.requests.length], [calls, requests]);
  bench.elsewhere.clear();
  bench.queue.add('team-a/db');
  await bench.pass(1_000);
  assert.equal(bench.secrets.writes.length, 2);
});
