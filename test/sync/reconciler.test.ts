import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './bench.ts';
import { away } from './fake-safe.ts';
import { conditionOf, specText } from './objects.ts';

/** A bench with one resource whose Secret is right. */
async function synced(spec = specText()): Promise<Bench> {
  const bench = new Bench();
  bench.put('db', { spec });
  await bench.pass(0);
  assert.equal(bench.secrets.value('db'), 'one');
  await bench.pass(7_000);
  return bench;
}

test('a new resource gets its Secret and its status at once', async () => {
  const bench = new Bench();
  bench.put('db');
  await bench.pass(0);
  assert.equal(bench.secrets.value('db'), 'one');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
  assert.equal(bench.status('db').secret?.resourceVersion, bench.secrets.stored('db')?.resourceVersion);
  assert.equal(bench.said('Secret written'), 1);
  assert.deepEqual(
    bench.events.map(({ reason }) => reason),
    ['Synced'],
  );
});

test('while nothing changes nothing is asked of the API server', async () => {
  const bench = await synced();
  const { calls } = bench.secrets;
  const [before, puts, looks] = [calls.length, bench.puts.length, bench.reconciled.length];
  await bench.pass(100_000);
  assert.deepEqual([calls.length, bench.puts.length, bench.reconciled.length], [before, puts, looks]);
  assert.ok(bench.safe.requests.length >= 10 && bench.safe.requests.length <= 12);
});

test('a value that changes in Safe is written once, by the next refresh', async () => {
  const bench = await synced();
  const before = bench.secrets.writes.length;
  bench.safe.register('app', { password: 'two' });
  await bench.pass(11_000);
  assert.equal(bench.secrets.value('db'), 'two');
  assert.equal(bench.secrets.writes.length, before + 1);
});

test('a Secret that is deleted or edited is repaired from memory, also while Safe is away', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  await bench.pass(30_000);
  const requests = bench.safe.requests.length;
  bench.secrets.remove('db');
  await bench.pass(0);
  assert.equal(bench.secrets.value('db'), 'one');
  const { resourceVersion } = bench.secrets.edit('db');
  await bench.pass(0);
  assert.notEqual(bench.secrets.stored('db')?.resourceVersion, resourceVersion);
  assert.equal(bench.safe.requests.length, requests);
  await bench.pass(60_000);
  assert.equal(bench.status('db').secret?.resourceVersion, bench.secrets.stored('db')?.resourceVersion);
});

test('a Secret that lost its label is looked up and gets it back', async () => {
  const bench = await synced();
  bench.secrets.edit('db', { managed: false });
  await bench.pass(0);
  assert.equal(bench.secrets.stored('db')?.managed, true);
  assert.equal(bench.secrets.stored('db')?.uid, 'secret-1');
});

test('two who undo each other are slowed down, further each time', async () => {
  const bench = await synced();
  const repairs: number[] = [];
  let before = bench.secrets.writes.length;
  for (let second = 0; second < 3_600; second++) {
    await bench.pass(1_000);
    if (bench.secrets.writes.length > before) {
      repairs.push(second);
      bench.secrets.edit('db');
    } else if (second === 0) bench.secrets.edit('db');
    before = bench.secrets.writes.length;
  }
  assert.ok(repairs.length >= 60 && repairs.length < 75, `${repairs.length} repairs`);
  const waits = repairs.slice(1).map((at, index) => at - repairs[index]!);
  assert.ok(waits.at(-1)! >= 60, `${waits}`);
});

test('what another agent wrote is written over only from an answer begun after that was seen', async () => {
  const bench = await synced(specText({ refreshInterval: '1h' }));
  const requests = bench.safe.requests.length;
  bench.safe.register('app', { password: 'two' });
  bench.secrets.takeOver('db');
  const seenAt = bench.clock.now();
  await bench.pass(10_000);
  assert.ok(bench.safe.requests.length > requests);
  assert.ok(bench.safe.requests.at(-1)!.at >= seenAt);
  assert.equal(bench.secrets.value('db'), 'two');
});

test('what another agent wrote stays while Safe is away', async () => {
  const bench = await synced(specText({ refreshInterval: '1h' }));
  bench.safe.failure = away();
  const { resourceVersion } = bench.secrets.takeOver('db');
  await bench.pass(120_000);
  assert.equal(bench.secrets.stored('db')?.resourceVersion, resourceVersion);
  bench.safe.failure = undefined;
  await bench.pass(300_000);
  assert.notEqual(bench.secrets.stored('db')?.resourceVersion, resourceVersion);
});

test('after a conflict the Secret is looked up, and what is known serves', async () => {
  const bench = await synced(specText({ refreshInterval: '1h' }));
  bench.safe.register('app', { password: 'two' });
  let refused = 0;
  bench.secrets.refuse = () => (refused++ === 0 ? 'stale' : undefined);
  const [calls, requests] = [bench.secrets.calls.length, bench.safe.requests.length];
  bench.put('db', { refresh: 'now' });
  await bench.pass(20_000);
  assert.deepEqual(
    bench.secrets.calls.slice(calls).map(({ verb }) => verb),
    ['apply', 'get', 'apply'],
  );
  assert.equal(bench.secrets.value('db'), 'two');
  assert.equal(bench.safe.requests.length, requests + 1);
});

test('a resource that is being deleted is never written, nor is its status', async () => {
  const bench = await synced();
  bench.put('db', { deleting: true });
  await bench.pass(0);
  const [calls, puts] = [bench.secrets.calls.length, bench.puts.length];
  bench.safe.register('app', { password: 'two' });
  bench.secrets.edit('db', { ownerUids: [] });
  await bench.pass(60_000);
  assert.deepEqual([bench.secrets.calls.length, bench.puts.length], [calls, puts]);
});

test('a resource that begins to be deleted while its target is looked up is not written', async () => {
  const bench = new Bench();
  bench.put('first');
  await bench.pass(0);
  bench.secrets.edit('theirs', { adoptable: true });
  const get = bench.secrets.get.bind(bench.secrets);
  bench.secrets.get = (namespace, name) => {
    bench.put('db', { deleting: true });
    return get(namespace, name);
  };
  bench.put('db', { spec: specText({ target: { name: 'theirs', creationPolicy: 'Merge' } }) });
  await bench.pass(60_000);
  assert.equal(bench.secrets.value('theirs'), undefined);
});

test('in a namespace that is being deleted nothing is tried again', async () => {
  const bench = new Bench();
  bench.secrets.refuse = () => 'terminating';
  bench.put('db');
  await bench.pass(600_000);
  assert.equal(bench.secrets.writes.length, 1);
  assert.deepEqual([bench.puts.length, bench.safe.requests.length], [0, 1]);
  bench.remove('db');
  await bench.pass(0);
  assert.equal(bench.engine.tracked.size, 0);
});
