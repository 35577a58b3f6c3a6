import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeSecrets } from './fake-secrets.ts';
import { SecretApiError } from '../../agent/target/secret-api.ts';
import { Bench, synced } from './bench.ts';
import { away } from './fake-safe.ts';
import { conditionOf, HOURLY, named, specText } from './objects.ts';

const HOUR = 3_600_000;

/** Each request takes so long to get there, and its answer as long to come back. */
function slow({ secrets, clock }: Bench, ms: number, verbs: readonly ('get' | 'apply' | 'delete')[]): void {
  const wait = () => new Promise<void>((resolve) => clock.after(ms, resolve));
  for (const verb of verbs) {
    const plain = secrets[verb].bind(secrets) as (...args: unknown[]) => Promise<unknown>;
    secrets[verb] = (async (...args: unknown[]) => {
      await wait();
      const done = await plain(...args);
      await wait();
      return done;
    }) as never;
  }
}

/** For how long each Secret is absent while `ms` pass. */
async function absence(bench: Bench, names: readonly string[], ms: number): Promise<Record<string, number>> {
  const gone = Object.fromEntries(names.map((name) => [name, 0]));
  for (let passed = 0; passed < ms; passed += 5) {
    await bench.pass(5);
    for (const name of names) if (!bench.secrets.stored(name)) gone[name]! += 5;
  }
  return gone;
}

test('a Secret that another agent makes first is not overwritten from an older answer', async () => {
  const bench = new Bench();
  bench.secrets.beforeApply = () => {
    bench.secrets.beforeApply = () => {};
    bench.safe.register('app', { password: 'two' });
    bench.secrets.edit('db', { appliedAt: '2026-01-01T00:00:00Z', managed: true, createdByAgent: true });
  };
  slow(bench, 1, ['get']);
  bench.safe.latencyMs = 5;
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(10);
  assert.equal(bench.secrets.value('db'), undefined, 'the older answer was written');
  await bench.pass(10_000);
  assert.equal(bench.secrets.value('db'), 'two');
});

test('what was looked up under one name decides nothing about another', async () => {
  const bench = new Bench();
  bench.secrets.edit('a', { adoptable: true });
  bench.secrets.edit('b');
  bench.safe.latencyMs = 3_000;
  bench.put('db', { spec: named('a', { creationPolicy: 'Merge' }) });
  await bench.pass(1_000);
  bench.put('db', { spec: named('b', { creationPolicy: 'Merge' }) });
  await bench.pass(20_000);
  assert.equal(bench.secrets.value('b'), undefined);
  assert.equal(bench.status('db').failure?.code, 'TargetConflict');
});

test('a Secret that goes while it is looked up is made again', async () => {
  const bench = await synced();
  const get = bench.secrets.get.bind(bench.secrets);
  bench.secrets.get = async (...args) => {
    const found = await get(...args);
    bench.secrets.get = get;
    bench.secrets.remove('db');
    return found;
  };
  bench.secrets.refuse = () => {
    bench.secrets.refuse = () => undefined;
    return 'stale';
  };
  bench.safe.register('app', { password: 'two' });
  bench.put('db', { refresh: 'now' });
  await bench.pass(20_000);
  assert.equal(bench.secrets.value('db'), 'two');
});

test('a write of another agent within the same second is not taken for an edit', async () => {
  const bench = new Bench();
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(100);
  bench.secrets.takeOver('db');
  const { resourceVersion } = bench.secrets.stored('db')!;
  bench.safe.failure = away();
  await bench.pass(HOUR);
  assert.equal(bench.secrets.stored('db')?.resourceVersion, resourceVersion);
});

test('two edits in a row, or an edit and a deletion, are undone while Safe is away', async () => {
  for (const second of [
    (secrets: FakeSecrets) => secrets.edit('db'),
    (secrets: FakeSecrets) => secrets.remove('db'),
  ]) {
    const bench = await synced();
    bench.safe.failure = away();
    bench.secrets.beforeApply = () => {
      bench.secrets.beforeApply = () => {};
      second(bench.secrets);
    };
    bench.secrets.edit('db');
    await bench.pass(10_000);
    assert.equal(bench.secrets.value('db'), 'one');
    assert.notEqual(bench.secrets.stored('db')?.ours, 'what is left');
  }
});

test('a Secret that is deleted in the foreground while Safe is away comes back', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  bench.secrets.touch('db', { deleting: true });
  await bench.pass(2_000);
  bench.secrets.remove('db');
  await bench.pass(2_000);
  assert.equal(bench.secrets.value('db'), 'one');
});

test('a look-up that fails costs no knowledge: the answer in memory serves', async () => {
  const bench = await synced();
  bench.safe.failure = away();
  const get = bench.secrets.get.bind(bench.secrets);
  bench.secrets.get = async () => {
    bench.secrets.get = get;
    throw new SecretApiError('unavailable', { reason: 'ECONNRESET' });
  };
  // Stripped of its label it looks deleted, and is there.
  bench.secrets.edit('db', { managed: false });
  await bench.pass(60_000);
  assert.equal(bench.secrets.stored('db')?.managed, true);
});

test('a target that is renamed and back while a write is under way is never deleted', async () => {
  const bench = await synced(named('a'));
  const { uid } = bench.secrets.stored('a')!;
  slow(bench, 25, ['apply', 'get', 'delete']);
  bench.put('db', { spec: named('b') });
  await bench.pass(10);
  bench.put('db', { spec: named('a') });
  bench.safe.failure = away();
  await bench.pass(HOUR);
  assert.equal(bench.secrets.stored('a')?.uid, uid);
  assert.equal(bench.secrets.stored('b'), undefined);
});

test('nothing is written or deleted once a resource is seen to be suspended', async () => {
  const bench = await synced(named('a'));
  bench.secrets.edit('b', { adoptable: true });
  slow(bench, 2_000, ['get']);
  const writes = bench.secrets.writes.length;
  bench.put('db', { spec: named('b', { creationPolicy: 'Merge' }) });
  await bench.pass(10);
  bench.put('db', { spec: { ...named('b', { creationPolicy: 'Merge' }), suspend: true } });
  await bench.pass(60_000);
  assert.equal(bench.secrets.writes.length, writes);
});

for (const gap of [0, 30, 100])
  test(`two resources that swap their targets ${gap} ms apart hand them over in place`, async () => {
    const ref = (key: string) => ({ data: [{ key: 'password', ref: `app.${key}` }] });
    const bench = new Bench();
    bench.safe.register('app', { password: 'one', other: 'uno' });
    bench.put('x', { spec: { ...named('a'), ...ref('password') }, createdAt: '2026-01-01T00:00:00Z' });
    bench.put('y', { spec: { ...named('b'), ...ref('other') }, createdAt: '2026-01-02T00:00:00Z' });
    await bench.pass(10_000);
    slow(bench, 10, ['get', 'apply', 'delete']);
    bench.safe.failure = away();
    bench.put('x', { spec: { ...named('b'), ...ref('password') } });
    await bench.pass(gap);
    bench.put('y', { spec: { ...named('a'), ...ref('other') } });
    assert.deepEqual(await absence(bench, ['a', 'b'], 20_000), { a: 0, b: 0 });
    assert.deepEqual([bench.secrets.value('a'), bench.secrets.value('b')], ['uno', 'one']);
    assert.deepEqual(bench.secrets.stored('a')?.ownerUids, ['uid-y']);
  });

test('a Secret that a resource moves off goes to the one that waits for it, in place', async () => {
  const bench = new Bench();
  bench.put('x', { spec: named('a'), createdAt: '2026-01-01T00:00:00Z' });
  bench.put('y', { spec: named('a'), createdAt: '2026-01-02T00:00:00Z' });
  await bench.pass(10_000);
  assert.equal(bench.status('y').failure?.code, 'TargetConflict');
  slow(bench, 50, ['apply', 'get']);
  bench.safe.failure = away();
  bench.put('x', { spec: named('b') });
  assert.deepEqual(await absence(bench, ['a'], 10_000), { a: 0 });
  assert.deepEqual(bench.secrets.stored('a')?.ownerUids, ['uid-y']);
  assert.deepEqual(bench.secrets.stored('b')?.ownerUids, ['uid-x']);
});

test('an older resource that is pointed at the Secret of a younger one does not take it', async () => {
  const bench = new Bench();
  bench.safe.register('app', { password: 'one', other: 'uno' });
  bench.put('old', { spec: named('elsewhere'), createdAt: '2026-01-01T00:00:00Z' });
  bench.put('young', { spec: named('a'), createdAt: '2026-02-01T00:00:00Z' });
  await bench.pass(10_000);
  bench.put('old', { spec: { ...named('a'), data: [{ key: 'password', ref: 'app.other' }] } });
  await bench.pass(60_000);
  assert.equal(bench.secrets.value('a'), 'one');
  assert.match(bench.status('old').failure?.message ?? '', /held by VSecMSecret young/);
  bench.put('old', { spec: named('elsewhere') });
  await bench.pass(60_000);
  assert.equal(bench.secrets.value('a'), 'one');
});

for (const policy of ['Owner', 'Orphan'])
  test(`a resource that is replaced by one of the same target hands its Secret over (${policy})`, async () => {
    const bench = await synced(named('a', { creationPolicy: policy }));
    const { uid } = bench.secrets.stored('a')!;
    bench.safe.failure = away();
    await bench.pass(120_000);
    bench.remove('db');
    bench.put('db-2', { spec: named('a', { creationPolicy: policy }), createdAt: '2026-02-01T00:00:00Z' });
    await bench.pass(1_000);
    assert.equal(bench.secrets.stored('a')?.uid, uid);
    if (policy === 'Owner') {
      assert.deepEqual(bench.secrets.stored('a')?.ownerUids, ['uid-db-2']);
      // The garbage collector may have been faster.
      bench.secrets.remove('a');
      await bench.pass(1_000);
      assert.equal(bench.secrets.value('a'), 'one');
    }
  });

test("what others keep in a Secret is nobody's repair, and delays none", async () => {
  const bench = await synced(specText());
  const writes = bench.secrets.writes.length;
  const tick = (): void => {
    bench.secrets.touch('db');
    bench.clock.after(10_000, tick);
  };
  tick();
  await bench.pass(600_000);
  assert.equal(bench.secrets.writes.length, writes);
  bench.secrets.edit('db');
  await bench.pass(1_000);
  assert.equal(bench.secrets.writes.length, writes + 1);
  bench.safe.register('app', { password: 'two' });
  await bench.pass(25_000);
  assert.equal(bench.secrets.value('db'), 'two');
  bench.secrets.remove('db');
  await bench.pass(1_000);
  assert.equal(bench.secrets.value('db'), 'two');
});

test('a fight is told, with who fights, and a rotation or a deletion does not wait for it', async () => {
  const bench = await synced();
  bench.secrets.afterApply = () => void bench.clock.after(1_000, () => void bench.secrets.edit('db'));
  bench.secrets.edit('db');
  await bench.pass(120_000);
  const status = bench.status('db');
  assert.equal(status.failure?.code, 'TargetContested');
  assert.match(status.failure.message, /kubectl-edit/);
  assert.equal(conditionOf(status, 'Ready'), 'False');
  assert.equal(bench.events.filter(({ reason }) => reason === 'TargetContested').length, 1);
  assert.equal(bench.events.filter(({ reason }) => reason === 'Recovered').length, 0);
  bench.secrets.remove('db');
  await bench.pass(10);
  assert.equal(bench.secrets.value('db'), 'one');
  bench.safe.register('app', { password: 'two' });
  bench.put('db', { refresh: 'now' });
  await bench.pass(6_000);
  assert.equal(bench.secrets.value('db'), 'two');
  bench.secrets.afterApply = () => {};
  await bench.pass(900_000);
  assert.equal(bench.status('db').failure, undefined);
});

const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;
const hints: [string, (bench: Bench) => object | void, (bench: Bench) => void][] = [
  [
    'consent on the Secret',
    (bench) => void bench.secrets.edit('db'),
    (bench) => void bench.secrets.edit('db', { adoptable: true }),
  ],
  [
    'the Secret to merge into',
    () => ({ target: { creationPolicy: 'Merge' } }),
    (bench) => void bench.secrets.edit('db', { adoptable: true }),
  ],
  [
    'a secret registered anew that had expired',
    (bench) =>
      bench.safe.register('app', { password: 'x' }, { expiresAfter: ns(bench.clock.now() + 60_000) }),
    (bench) => bench.safe.register('app', { password: 'one' }),
  ],
  [
    'rights given back',
    (bench) => void (bench.secrets.refuse = () => 'forbidden'),
    (bench) => (bench.secrets.refuse = () => undefined),
  ],
  [
    'a webhook that was mended',
    (bench) => void (bench.secrets.refuse = () => 'invalid'),
    (bench) => (bench.secrets.refuse = () => undefined),
  ],
];
for (const interval of ['0s', '1h'])
  for (const [what, arrange, follow] of hints)
    test(`at an interval of ${interval}, what a hint tells people to do is noticed: ${what}`, async () => {
      const bench = new Bench();
      const change = arrange(bench) ?? {};
      bench.put('db', { spec: specText({ refreshInterval: interval, ...change }) });
      await bench.pass(HOUR);
      assert.notEqual(bench.status('db').failure, undefined);
      follow(bench);
      await bench.pass(80_000);
      assert.equal(bench.secrets.value('db'), 'one');
      assert.equal(bench.status('db').failure, undefined);
    });

test('an adopted Secret gets what Safe has when consent is seen, also if Safe fails then', async () => {
  for (const failing of [false, true]) {
    const bench = new Bench();
    bench.secrets.edit('db');
    bench.put('db', { spec: specText(HOURLY) });
    await bench.pass(25 * 60_000);
    bench.safe.register('app', { password: 'two' });
    await bench.pass(20 * 60_000);
    if (failing) bench.safe.failure = away();
    bench.secrets.edit('db', { adoptable: true });
    await bench.pass(HOUR);
    assert.equal(bench.secrets.value('db'), failing ? undefined : 'two');
  }
});

test('a write that the server does not take backs off, and costs Safe nothing', async () => {
  const bench = await synced();
  bench.secrets.refuse = () => 'unavailable';
  bench.safe.register('app', { password: 'two' });
  bench.put('db', { refresh: 'now' });
  await bench.pass(600_000);
  const [asked, tried] = [bench.safe.requests.length, bench.secrets.calls.length];
  await bench.pass(HOUR);
  assert.ok(
    bench.safe.requests.length - asked <= 1,
    `${bench.safe.requests.length - asked} requests to Safe`,
  );
  assert.ok(bench.secrets.calls.length - tried <= 60, `${bench.secrets.calls.length - tried} tries`);
});

test('what a server wishes is heard up to two minutes, and a change of the spec goes before it', async () => {
  const bench = new Bench();
  bench.secrets.refuse = () => new SecretApiError('unavailable', { retryAfterMs: 30 * 24 * HOUR });
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(10_000);
  bench.secrets.refuse = () => undefined;
  await bench.pass(5_000);
  assert.equal(bench.secrets.value('db'), undefined);
  bench.put('db', { spec: named('other') });
  await bench.pass(10);
  assert.equal(bench.secrets.value('other'), 'one');

  bench.secrets.refuse = (name) =>
    name === 'late' ? new SecretApiError('unavailable', { retryAfterMs: 30 * 24 * HOUR }) : undefined;
  bench.put('db', { spec: named('late') });
  await bench.pass(10_000);
  bench.secrets.refuse = () => undefined;
  await bench.pass(120_000);
  assert.equal(bench.secrets.value('late'), 'one');
});

test('a refused token is about the API server, and is tried again soon', async () => {
  const bench = new Bench();
  bench.secrets.refuse = () => 'unauthorized';
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(5_000);
  assert.equal(bench.status('db').failure?.code, 'ApiUnavailable');
  bench.secrets.refuse = () => undefined;
  await bench.pass(20_000);
  assert.equal(bench.secrets.value('db'), 'one');
});

test('Fresh is about the content that Safe confirmed: not before there is any, nor long after', async () => {
  const never = new Bench();
  never.safe.failure = away();
  never.put('db', { spec: specText({ maxStaleness: '10m' }) });
  await never.pass(10_000);
  assert.notEqual(conditionOf(never.status('db'), 'Fresh'), 'True');

  const manual = await synced(specText({ refreshInterval: '0s', maxStaleness: '10s' }));
  manual.safe.failure = away();
  await manual.pass(60_000);
  assert.equal(conditionOf(manual.status('db'), 'Fresh'), 'False');

  const hourly = await synced(specText({ refreshInterval: '1h', maxStaleness: '15m' }));
  await hourly.pass(3 * HOUR);
  assert.equal(conditionOf(hourly.status('db'), 'Fresh'), 'True');
  const confirmedAt = hourly.safe.requests.findLast(({ ok }) => ok)!.at;
  hourly.safe.failure = away();
  await hourly.pass(confirmedAt + 15 * 60_000 + 6_000 - hourly.clock.now());
  assert.equal(conditionOf(hourly.status('db'), 'Fresh'), 'False');
});

test('0s is about refreshing: what expires is told, also after a restart', async () => {
  for (const restart of [false, true]) {
    let bench = new Bench();
    bench.safe.register('app', { password: 'one' }, { expiresAfter: ns(bench.clock.now() + HOUR) });
    bench.put('db', { spec: specText({ refreshInterval: '0s' }) });
    await bench.pass(60_000);
    assert.equal(
      bench.status('db').validUntil,
      new Date(bench.clock.now() - 60_000 + HOUR).toISOString().replace('.000', ''),
    );
    if (restart) bench = new Bench({ after: bench.stop() });
    await bench.pass(2 * HOUR);
    assert.equal(bench.status('db').failure?.code, 'Expired');
    assert.equal(bench.secrets.value('db'), 'one');
  }
});

test('a promise of the policy needs no Safe: from Owner to Orphan the owner goes', async () => {
  const bench = await synced(named('a'));
  bench.safe.failure = away();
  await bench.pass(120_000);
  bench.put('db', { spec: named('a', { creationPolicy: 'Orphan' }) });
  await bench.pass(1_000);
  assert.deepEqual(bench.secrets.stored('a')?.ownerUids, []);
});

test('what several renames left behind goes, also where the first deletion failed', async () => {
  const bench = await synced(named('a'));
  bench.secrets.refuse = (name) => (name === 'a' ? 'unavailable' : undefined);
  bench.put('db', { spec: named('b') });
  await bench.pass(3_000);
  bench.put('db', { spec: named('c') });
  bench.secrets.refuse = () => undefined;
  await bench.pass(120_000);
  assert.deepEqual(
    bench.secrets.all().map(({ name }) => name),
    ['c'],
  );
});

test('a suspended resource shows no conflict over a target that another one holds', async () => {
  const bench = await synced(named('a'));
  bench.put('second', { spec: { ...named('a'), suspend: true }, createdAt: '2027-01-01T00:00:00Z' });
  await bench.pass(10_000);
  assert.equal(bench.status('second').failure, undefined);
});

test('a creation whose answer is lost is told all the same', async () => {
  const bench = new Bench();
  const apply = bench.secrets.apply.bind(bench.secrets);
  bench.secrets.apply = async (...args) => {
    bench.secrets.apply = apply;
    await apply(...args);
    throw new SecretApiError('unavailable', { reason: 'ECONNRESET' });
  };
  bench.put('db', { spec: specText(HOURLY) });
  await bench.pass(60_000);
  assert.equal(conditionOf(bench.status('db'), 'Ready'), 'True');
  assert.notEqual(bench.status('db').lastSyncTime, undefined);
});

test('a restart finds a change of a secret that is not the latest of several', async () => {
  const dated = (second: number) => ({
    updatedAt: ns(Date.UTC(2026, 0, 1) + second * 1_000),
    updated: new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString(),
  });
  const bench = new Bench();
  bench.safe.register('app', { password: 'new' }, dated(1));
  bench.safe.register('other', 'x', dated(9));
  const data = [
    { key: 'password', ref: 'app.password' },
    { key: 'o', ref: 'other' },
  ];
  bench.put('db', { spec: specText({ data }) });
  await bench.pass(20_000);
  bench.stop();
  bench.safe.register('app', { password: 'back again' }, dated(0));
  const anew = new Bench({ after: bench });
  await anew.pass(20_000);
  assert.equal(anew.secrets.value('db'), 'back again');
});

test('when the last resource leaves while an answer is under way nobody keeps it', async () => {
  const bench = new Bench();
  bench.safe.latencyMs = 1_000;
  bench.put('db');
  await bench.pass(500);
  bench.remove('db');
  await bench.pass(HOUR);
  assert.equal(bench.cache.cached('https://safe/workload/v1/secrets'), undefined);
});
