import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, synced } from './bench.ts';
import { conditionOf, HOURLY, named, specText } from './objects.ts';

test('a target that is renamed takes its former Secret with it', async () => {
  const bench = await synced();
  bench.put('db', { spec: named('renamed') });
  await bench.pass(10_000);
  assert.equal(bench.secrets.value('renamed'), 'one');
  assert.equal(bench.secrets.stored('db'), undefined);
  assert.equal(bench.status('db').secret?.name, 'renamed');
});

test('a former Secret that cannot be deleted at first is deleted later', async () => {
  const bench = await synced();
  bench.secrets.refuse = (name) => (name === 'db' ? 'unavailable' : undefined);
  bench.put('db', { spec: named('renamed') });
  await bench.pass(10_000);
  assert.notEqual(bench.secrets.stored('db'), undefined);
  assert.equal(bench.status('db').failure?.code, 'ApiUnavailable');
  bench.secrets.refuse = () => undefined;
  await bench.pass(300_000);
  assert.equal(bench.secrets.stored('db'), undefined);
  assert.equal(bench.status('db').secret?.name, 'renamed');
});

test('a former Secret that is not owned stays', async () => {
  const bench = await synced(named('db', { creationPolicy: 'Orphan' }));
  bench.put('db', { spec: named('renamed') });
  await bench.pass(10_000);
  assert.notEqual(bench.secrets.stored('db'), undefined);
});

test('a Secret that is deleted before our write of it is answered comes back at once', async () => {
  const bench = new Bench();
  const onceGone = (name: string): void => {
    bench.secrets.afterApply = () => {};
    bench.secrets.remove(name);
  };
  bench.secrets.afterApply = onceGone;
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(5_000);
  assert.equal(bench.secrets.value('db'), 'one');
  // And a second one, under another uid than what was known.
  bench.secrets.afterApply = onceGone;
  bench.secrets.remove('db');
  await bench.pass(5_000);
  assert.equal(bench.secrets.value('db'), 'one');
});

test("somebody else's Secret is left alone until it carries consent", async () => {
  const bench = new Bench();
  bench.secrets.edit('db');
  bench.put('db');
  await bench.pass(10_000);
  assert.equal(bench.status('db').failure?.code, 'TargetConflict');
  assert.equal(bench.secrets.value('db'), undefined);
  bench.secrets.edit('db', { adoptable: true });
  await bench.pass(75_000);
  assert.equal(bench.secrets.value('db'), 'one');
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
  assert.equal(bench.secrets.stored('db')?.createdByAgent, false);
});

test('of two that name one Secret the older gets it, and the other takes over when that goes', async () => {
  const bench = new Bench();
  bench.put('young', { spec: named('shared'), createdAt: '2026-02-01T00:00:00Z' });
  bench.put('old', { spec: named('shared'), createdAt: '2026-01-01T00:00:00Z' });
  await bench.pass(10_000);
  assert.deepEqual(bench.secrets.stored('shared')?.ownerUids, ['uid-old']);
  assert.equal(bench.status('young').failure?.code, 'TargetConflict');
  assert.match(bench.status('young').failure!.message, /VSecMSecret old/);
  bench.remove('old');
  await bench.pass(10_000);
  assert.deepEqual(bench.secrets.stored('shared')?.ownerUids, ['uid-young']);
  assert.equal(bench.status('young').failure, undefined);
});

test('a target to merge into that appears while a ref is waited for is found when that appears', async () => {
  const bench = new Bench();
  const spec = specText({
    ...HOURLY,
    target: { creationPolicy: 'Merge' },
    data: [{ key: 'k', ref: 'later' }],
  });
  bench.put('db', { spec });
  await bench.pass(60_000);
  assert.equal(bench.status('db').failure?.code, 'NotGranted');
  bench.secrets.edit('db', { adoptable: true });
  bench.safe.register('later', 'here');
  await bench.pass(300_000);
  assert.equal(bench.secrets.value('db', 'k'), 'here');
});

test('what is missing in Safe is found soon after it is registered, whatever the interval', async () => {
  const bench = await synced(specText({ ...HOURLY, data: [{ key: 'k', ref: 'later' }] }));
  assert.equal(bench.status('db').failure?.code, 'NotGranted');
  bench.safe.register('later', 'here');
  await bench.pass(30_000);
  assert.equal(bench.secrets.value('db', 'k'), 'here');
  const asked = bench.safe.requests.length;
  await bench.pass(1_800_000);
  assert.ok(bench.safe.requests.length <= asked + 1);
});

test('a new resource asks once more before what a remembered answer lacks is called missing', async () => {
  const bench = await synced();
  bench.safe.register('later', 'here');
  bench.put('second', { spec: specText({ ...HOURLY, data: [{ key: 'k', ref: 'later' }] }) });
  await bench.pass(0);
  assert.equal(bench.secrets.value('second', 'k'), 'here');
  assert.ok(bench.puts.every(({ status }) => status.failure === undefined));
});

test('a secret that vanishes from Safe takes nothing with it', async () => {
  const bench = await synced(specText());
  bench.safe.forget('app');
  await bench.pass(20_000);
  assert.equal(bench.status('db').failure?.code, 'NotGranted');
  assert.equal(bench.secrets.value('db'), 'one');
  bench.safe.register('app', { password: 'two' });
  await bench.pass(20_000);
  assert.equal(bench.secrets.value('db'), 'two');
});

test('notBefore and expiresAfter wake the resource at their moments', async () => {
  const bench = new Bench();
  const at = (ms: number): bigint => BigInt(bench.clock.now() + ms) * 1_000_000n;
  bench.safe.register('app', { password: 'one' }, { notBefore: at(100_000), expiresAfter: at(500_000) });
  bench.put('db', { spec: specText({ refreshInterval: '720h' }) });
  await bench.pass(99_000);
  assert.equal(bench.status('db').failure?.code, 'NotYetValid');
  await bench.pass(1_001);
  assert.equal(bench.secrets.value('db'), 'one');
  await bench.pass(398_000);
  assert.equal(bench.status('db').failure, undefined);
  await bench.pass(2_000);
  assert.equal(bench.status('db').failure?.code, 'Expired');
  assert.equal(bench.secrets.value('db'), 'one');
  assert.equal(bench.safe.requests.length, 1);
});

test('a forbidden write is tried again within a minute or so', async () => {
  const bench = new Bench();
  bench.secrets.refuse = () => 'forbidden';
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(300_000);
  assert.equal(bench.status('db').failure?.code, 'WriteForbidden');
  assert.ok(bench.secrets.writes.length <= 8, `${bench.secrets.writes.length} tries`);
  bench.secrets.refuse = () => undefined;
  await bench.pass(75_000);
  assert.equal(bench.secrets.value('db'), 'one');
});

test('an interval of a fraction of a millisecond is one like others', async () => {
  const bench = await synced(specText({ refreshInterval: '10000.5ms' }));
  assert.equal(bench.secrets.value('db'), 'one');
  bench.safe.register('app', { password: 'two' });
  await bench.pass(12_000);
  assert.equal(bench.secrets.value('db'), 'two');
});
