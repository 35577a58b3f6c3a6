import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './bench.ts';
import { specText } from './objects.ts';

const SHOP = { kind: 'Deployment', name: 'shop' };
const spec = specText({ restart: [SHOP] });
const change = (bench: Bench, password: string): void => bench.safe.register('app', { password });
const revisionOf = (bench: Bench, name = 'db'): number | undefined => bench.secrets.stored(name)?.revision;
const marks = (bench: Bench): Record<string, string>[] => bench.workloads.marked.map(([, marked]) => marked);

/** A resource that restarts a workload, at rest with its first content. */
async function settled(more: object = {}): Promise<Bench> {
  const bench = new Bench();
  bench.put('db', { spec: { ...spec, ...more } });
  await bench.pass(30_000);
  assert.equal(revisionOf(bench), 1);
  assert.deepEqual(bench.status('db').restarts, [{ ...SHOP, revision: 1 }]);
  assert.deepEqual(bench.workloads.looks, 0);
  return bench;
}

test('a resource that restarts nothing counts nothing, reads no value and asks for no workload', async () => {
  const bench = new Bench();
  bench.put('db', { spec: specText() });
  await bench.pass(30_000);
  change(bench, 'two');
  await bench.pass(60_000);
  const { secret, restarts } = bench.status('db');
  assert.deepEqual([revisionOf(bench), secret?.revision, restarts], [undefined, undefined, undefined]);
  assert.deepEqual(bench.secrets.writes.at(-1)!.body!.metadata.annotations, {});
  assert.equal(bench.workloads.looks, 0);
  assert.ok(bench.secrets.calls.every(({ verb }) => verb !== 'differs'));
});

test('each change of content is one rollout, the first write none', async () => {
  const bench = await settled();
  for (const revision of [2, 3]) {
    change(bench, `value ${revision}`);
    await bench.pass(120_000);
    assert.equal(revisionOf(bench), revision);
    assert.deepEqual(bench.status('db').restarts, [{ ...SHOP, revision }]);
    assert.equal(bench.status('db').secret!.revision, revision);
  }
  assert.deepEqual(marks(bench), [{ 'vsecm.com/secret.db': '2' }, { 'vsecm.com/secret.db': '3' }]);
});

test('repairs, deletions, a registration of the same value and a label restart nothing', async () => {
  const bench = await settled();
  const one = (app: string): void => bench.safe.register('app', { password: 'one', labels: { app } });
  one('a');
  bench.put('db', { spec: { ...spec, labels: [{ key: 'app', ref: 'app.labels.app' }] } });
  await bench.pass(60_000);
  bench.secrets.edit('db');
  await bench.pass(60_000);
  bench.secrets.remove('db');
  await bench.pass(60_000);
  one('b');
  await bench.pass(60_000);
  assert.deepEqual(bench.secrets.writes.at(-1)!.body!.metadata.labels!['app'], 'b');
  assert.equal(revisionOf(bench), 1);
  assert.deepEqual(marks(bench), []);
});

test('the next change after a repair is one rollout', async () => {
  const bench = await settled();
  bench.secrets.edit('db', { revision: 77 });
  await bench.pass(60_000);
  assert.equal(revisionOf(bench), 1);
  change(bench, 'two');
  await bench.pass(60_000);
  assert.deepEqual(marks(bench), [{ 'vsecm.com/secret.db': '2' }]);
});

test('a restart of the agent and a takeover restart nothing, nor does an edit made meanwhile', async () => {
  const bench = (await settled()).stop();
  const anew = new Bench({ after: bench });
  await anew.pass(60_000);
  const other = new Bench({ after: anew.stop(), node: 'node-2' });
  await other.pass(60_000);
  other.stop().secrets.edit('db');
  const last = new Bench({ after: other });
  await last.pass(60_000);
  assert.equal(revisionOf(last), 1);
  assert.deepEqual(marks(last), []);
  assert.deepEqual(last.status('db').restarts, [{ ...SHOP, revision: 1 }]);
});

test('a change while no agent runs is one rollout, by whoever comes', async () => {
  const bench = (await settled()).stop();
  change(bench, 'two');
  const other = new Bench({ after: bench, node: 'node-2' });
  await other.pass(120_000);
  assert.equal(revisionOf(other), 2);
  assert.deepEqual(marks(other), [{ 'vsecm.com/secret.db': '2' }]);
  assert.deepEqual(other.status('db').restarts, [{ ...SHOP, revision: 2 }]);
});

test('the same value registered anew while no agent runs restarts nothing', async () => {
  const bench = (await settled()).stop();
  await bench.pass(5_000);
  bench.safe.register('app', { password: 'one' });
  const other = new Bench({ after: bench, node: 'node-2' });
  await other.pass(120_000);
  assert.equal(revisionOf(other), 1);
  assert.deepEqual(marks(other), []);
});

for (const wait of [0, 3_000, 9_000, 10_000, 12_000, 20_000]) {
  test(`an agent that dies about ${wait} ms after the change leaves one rollout, not two and not none`, async () => {
    const bench = await settled();
    change(bench, 'two');
    while (revisionOf(bench) !== 2) await bench.pass(500);
    await bench.pass(wait);
    const other = new Bench({ after: bench.stop(), node: 'node-2' });
    await other.pass(180_000);
    const marked = marks(other);
    assert.ok(marked.length > 0);
    // The same mark a second time is no change of the workload, and so no rollout.
    for (const one of marked) assert.deepEqual(one, { 'vsecm.com/secret.db': '2' });
    assert.equal(revisionOf(other), 2);
    assert.deepEqual(other.status('db').restarts, [{ ...SHOP, revision: 2 }]);
  });
}

test('an answer to a write that is lost is not a second change', async () => {
  const bench = await settled();
  change(bench, 'two');
  let lost = false;
  bench.secrets.afterApply = () => {
    if (lost) return;
    lost = true;
    throw new Error('lost');
  };
  await bench.pass(200_000);
  assert.ok(lost);
  assert.equal(bench.secrets.value('db'), 'two');
  assert.equal(revisionOf(bench), 2);
  assert.deepEqual(marks(bench), [{ 'vsecm.com/secret.db': '2' }]);
});

test('two Secrets of one workload that change together are one rollout', async () => {
  const bench = new Bench();
  for (const name of ['db', 'mail']) bench.put(name, { spec });
  await bench.pass(30_000);
  change(bench, 'two');
  await bench.pass(120_000);
  assert.deepEqual(marks(bench), [{ 'vsecm.com/secret.db': '2', 'vsecm.com/secret.mail': '2' }]);
});

test('a workload that is named later is restarted from the next change on, one that is named no more is left alone', async () => {
  const bench = new Bench();
  bench.put('db', { spec: specText() });
  await bench.pass(30_000);
  bench.put('db', { spec });
  await bench.pass(60_000);
  assert.deepEqual([revisionOf(bench), marks(bench)], [1, []]);
  change(bench, 'two');
  await bench.pass(60_000);
  assert.equal(marks(bench).length, 1);
  bench.put('db', { spec: specText({ restart: [SHOP, { kind: 'DaemonSet', name: 'log' }] }) });
  await bench.pass(60_000);
  assert.equal(marks(bench).length, 1);
  change(bench, 'three');
  await bench.pass(60_000);
  assert.deepEqual(
    bench.workloads.marked.slice(1).map(([workload]) => workload),
    ['deployment/shop', 'daemonset/log'],
  );
  change(bench, 'four');
  while (bench.secrets.value('db') !== 'four') await bench.pass(500);
  bench.put('db', { spec: specText() });
  await bench.pass(120_000);
  assert.equal(bench.workloads.marked.length, 3);
  assert.equal(bench.status('db').restarts, undefined);
});

test('what a workload does not allow is told, while the Secret is ready and nobody is stalled, and ends by itself', async () => {
  const bench = await settled();
  bench.workloads.consents = false;
  change(bench, 'two');
  await bench.pass(60_000);
  const { conditions, failure, restarts } = bench.status('db');
  assert.deepEqual(
    conditions!.map(({ type, status }) => [type, status]),
    [['Ready', 'True']],
  );
  assert.deepEqual([failure!.code, failure!.stage], ['RestartNotAllowed', 'restart']);
  assert.deepEqual(restarts, [{ ...SHOP, revision: 1 }]);
  assert.equal(bench.said('VSecMSecret fails'), 1);
  bench.workloads.consents = true;
  await bench.pass(120_000);
  assert.equal(bench.status('db').failure, undefined);
  assert.deepEqual(bench.status('db').restarts, [{ ...SHOP, revision: 2 }]);
  assert.equal(bench.said('VSecMSecret recovered'), 1);
});

test('a resource that is suspended, goes, or is another agent’s restarts nothing any more', async () => {
  for (const end of [
    (bench: Bench) => bench.remove('db'),
    (bench: Bench) => {
      bench.elsewhere.add('team-a');
      bench.queue.add('team-a/db', { urgent: true });
    },
  ]) {
    const bench = await settled();
    change(bench, 'two');
    while (revisionOf(bench) !== 2) await bench.pass(500);
    end(bench);
    await bench.pass(120_000);
    assert.deepEqual(marks(bench), []);
  }
});
