import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fetching } from './fetching.ts';

test('the first who asks is answered at once, and woken as urgent', async () => {
  const s = new Fetching();
  const fetcher = s.join('team-a/db');
  fetcher.need('team-a/db', s.clock.now(), false);
  await s.pass(0);
  assert.equal(s.asked.length, 1);
  assert.deepEqual(s.wakes[0], { key: 'team-a/db', urgent: true, at: s.clock.now() });
  assert.equal(fetcher.answer()?.begunAt, s.clock.now());
});

test('all who ask while one request waits for its turn share it; those who ask later have the next', async () => {
  const s = new Fetching();
  s.safe.latencyMs = 100;
  const fetcher = s.join('a');
  const need = (key: string): void => fetcher.need(key, s.clock.now(), false);
  need('a');
  await s.pass(50);
  need('b');
  await s.pass(2_000);
  need('c');
  await s.pass(2_949);
  assert.deepEqual([s.asked.length, s.wokenSince(0).filter((key) => key !== 'a')], [1, []]);
  await s.pass(1);
  need('d');
  await s.pass(50);
  need('e');
  await s.pass(50);
  assert.equal(s.asked.length, 2);
  assert.deepEqual(s.wokenSince(0).slice(-3).sort(), ['b', 'c', 'd']);
  await s.pass(5_000);
  assert.equal(s.asked.length, 3);
  assert.equal(s.wakes.at(-1)?.key, 'e');
});

test('an answer in memory that is new enough serves at once', async () => {
  const s = new Fetching();
  const fetcher = s.join('a');
  fetcher.need('a', s.clock.now(), false);
  await s.pass(500);
  const from = s.wakes.length;
  fetcher.need('b', s.clock.now() - 1_000, false);
  assert.deepEqual(s.wokenSince(from), ['b']);
  assert.equal(s.asked.length, 1);
});

test('only those that use what changed are woken, and those that could not be resolved', async () => {
  const s = new Fetching();
  const fetcher = s.join('uses-app');
  for (const key of ['uses-other', 'uses-both', 'unsettled', 'idle']) s.join(key);
  fetcher.ask(s.clock.now());
  await s.pass(0);
  fetcher.use('uses-app', ['app']);
  fetcher.use('uses-other', ['other']);
  fetcher.use('uses-both', ['app', 'other']);
  fetcher.useAny('unsettled');
  const refresh = async (): Promise<string[]> => {
    const from = s.wakes.length;
    fetcher.ask(s.clock.now());
    await s.pass(5_000);
    return [...new Set(s.wokenSince(from))].sort();
  };
  await s.pass(5_000);
  assert.deepEqual(await refresh(), []);
  s.safe.register('app', 'two');
  assert.deepEqual(await refresh(), ['unsettled', 'uses-app', 'uses-both']);
  fetcher.use('unsettled', ['third']);
  fetcher.use('uses-app', ['third']);
  s.safe.register('third', 'x');
  assert.deepEqual(await refresh(), ['unsettled', 'uses-app']);
  s.safe.register('app', 'three');
  assert.deepEqual(await refresh(), ['uses-both']);
  s.fetchers.leave('uses-both', fetcher);
  s.safe.forget('app');
  assert.deepEqual(await refresh(), []);
});

test('who uses what changed is looked at as routine, who waits as urgent', async () => {
  const s = new Fetching();
  const fetcher = s.join('user');
  s.join('waiter');
  fetcher.ask(s.clock.now());
  await s.pass(5_000);
  fetcher.use('user', ['app']);
  s.safe.register('app', 'two');
  const from = s.wakes.length;
  fetcher.need('waiter', s.clock.now(), false);
  await s.pass(5_000);
  const kinds = s.wakes.slice(from).map(({ key, urgent }) => `${key} ${urgent}`);
  assert.deepEqual(kinds, ['waiter true', 'user false']);
});

test('when names vanish or come back everybody is looked at', async () => {
  const s = new Fetching();
  const fetcher = s.join('a');
  s.join('b');
  fetcher.ask(s.clock.now());
  await s.pass(5_000);
  for (const answer of [{ kind: 'unnamed', value: 'x' } as const, undefined]) {
    s.safe.answer = answer;
    const from = s.wakes.length;
    fetcher.ask(s.clock.now());
    await s.pass(5_000);
    assert.deepEqual(s.wokenSince(from).sort(), ['a', 'b']);
  }
});

test('fewer secrets than before are one line, with their number', async () => {
  const s = new Fetching();
  const fetcher = s.join('a');
  fetcher.ask(s.clock.now());
  await s.pass(5_000);
  s.safe.register('third', 'x');
  fetcher.ask(s.clock.now());
  await s.pass(5_000);
  s.safe.forget('third');
  s.safe.forget('other');
  fetcher.ask(s.clock.now());
  await s.pass(5_000);
  const lines = s.lines.filter(({ msg }) => String(msg).startsWith('Safe serves fewer secrets'));
  assert.deepEqual(
    lines.map(({ count, level }) => [count, level]),
    [[2, 'warn']],
  );
});

test('a minute after the last has left the answer and all timers are gone', async () => {
  const s = new Fetching();
  const fetcher = s.join('a');
  s.join('b');
  fetcher.need('a', s.clock.now(), false);
  await s.pass(0);
  fetcher.pollFor('a');
  s.fetchers.leave('a', fetcher);
  assert.notEqual(s.fetchers.get(fetcher.dial), undefined);
  s.fetchers.leave('b', fetcher);
  await s.pass(59_999);
  assert.notEqual(s.cache.cached(fetcher.dial), undefined);
  await s.pass(1);
  assert.equal(s.fetchers.get(fetcher.dial), undefined);
  assert.equal(s.cache.cached(fetcher.dial), undefined);
  assert.equal(s.schedule.size, 0);
});

test('who comes while the answer is still there finds it, and it stays', async () => {
  const s = new Fetching();
  const fetcher = s.join('a');
  fetcher.need('a', s.clock.now(), false);
  await s.pass(0);
  s.fetchers.leave('a', fetcher);
  await s.pass(30_000);
  assert.equal(s.join('b'), fetcher);
  await s.pass(120_000);
  assert.notEqual(fetcher.answer(), undefined);
  assert.equal(s.asked.length, 1);
});

test('an answer that comes after everybody left wakes nobody', async () => {
  const s = new Fetching();
  s.safe.latencyMs = 100;
  const fetcher = s.join('a');
  fetcher.need('a', s.clock.now(), false);
  await s.pass(50);
  s.fetchers.leave('a', fetcher);
  await s.pass(60_000);
  assert.deepEqual([s.wakes, s.transitions, s.schedule.size], [[], [], 0]);
});

test('an answer that was evicted costs a request, and nobody is woken for it', async () => {
  const s = new Fetching();
  const fetcher = s.join('a');
  fetcher.need('a', s.clock.now(), false);
  await s.pass(5_000);
  s.cache.release(fetcher.dial);
  const from = s.wakes.length;
  fetcher.ask(s.clock.now() - 60_000);
  await s.pass(0);
  assert.equal(s.asked.length, 2);
  assert.deepEqual(s.wokenSince(from), []);
  assert.notEqual(fetcher.answer(), undefined);
});

test('a wish for an older answer does not take back one for a newer', async () => {
  const s = new Fetching();
  s.safe.latencyMs = 100;
  const fetcher = s.join('a');
  fetcher.need('a', s.clock.now(), false);
  await s.pass(50);
  fetcher.need('b', s.clock.now(), false);
  fetcher.ask(s.clock.now() - 60_000);
  await s.pass(6_000);
  assert.equal(s.wakes.at(-1)?.key, 'b');
});
