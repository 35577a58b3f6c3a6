import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SafeError } from '../../agent/safe/error.ts';
import { away } from '../sync/fake-safe.ts';
import { Fetching } from './fetching.ts';

const MINUTE = 60_000;
const FAILS = 'Fetching from Safe fails';
const STILL = 'Fetching from Safe still fails';
const AGAIN = 'Safe answers again';

function failing(
  failure = away(),
  random = () => 0.5,
): { s: Fetching; fetcher: ReturnType<Fetching['join']> } {
  const s = new Fetching({ random });
  const fetcher = s.join('team-a/a');
  s.join('team-b/b');
  s.safe.failure = failure;
  fetcher.need('team-a/a', s.clock.now(), false);
  return { s, fetcher };
}

const said = (s: Fetching, message: string): Record<string, unknown>[] =>
  s.lines.filter(({ msg }) => msg === message);

test('a failure begins with one line that says all there is to know', async () => {
  const { s } = failing(away({ peerSpiffeId: 'spiffe://vsecm.com/other' }));
  await s.pass(0);
  const [line, ...more] = said(s, FAILS);
  assert.deepEqual(more, []);
  const { time: _, hint, nextRetry, ...rest } = line!;
  assert.deepEqual(rest, {
    level: 'warn',
    msg: FAILS,
    safeURL: 'https://safe',
    stage: 'connect',
    code: 'SafeUnreachable',
    cause: 'ECONNREFUSED',
    spiffeID: 'spiffe://vsecm.com/workload/vsecm-scout',
    peerSPIFFEID: 'spiffe://vsecm.com/other',
    attempt: 1,
    since: new Date(s.clock.now()).toISOString(),
    resources: 2,
    namespaces: 2,
  });
  assert.ok(String(hint).length > 10 && Date.parse(String(nextRetry)) > s.clock.now());
});

test('while it lasts it is said again every five minutes, and its end once', async () => {
  const { s } = failing();
  await s.pass(21 * MINUTE);
  assert.deepEqual([said(s, FAILS).length, said(s, STILL).length], [1, 4]);
  s.safe.failure = undefined;
  await s.pass(10 * MINUTE);
  assert.deepEqual([said(s, AGAIN).length, said(s, STILL).length <= 6], [1, true]);
  const { code, attempt, durationSeconds } = said(s, AGAIN)[0]!;
  assert.equal(code, 'SafeUnreachable');
  assert.ok(Number(attempt) > 4 && Number(durationSeconds) >= 21 * 60);
  const { length } = s.lines;
  await s.pass(30 * MINUTE);
  assert.equal(s.lines.length, length);
  assert.deepEqual(
    s.transitions.map(([now, before]) => [now?.code, before?.code]),
    [
      ['SafeUnreachable', undefined],
      [undefined, 'SafeUnreachable'],
    ],
  );
});

test('another failure is another line, and goes on since the first', async () => {
  const { s, fetcher } = failing();
  await s.pass(MINUTE);
  const { since } = fetcher.failure!;
  s.safe.failure = new SafeError('SafeTimeout');
  await s.pass(5 * MINUTE);
  assert.deepEqual(
    said(s, FAILS).map(({ code }) => code),
    ['SafeUnreachable', 'SafeTimeout'],
  );
  assert.deepEqual([fetcher.failure?.code, fetcher.failure?.since], ['SafeTimeout', since]);
});

test('who waits is woken by the first failure, by another one, and by the end; not in between', async () => {
  const { s } = failing();
  await s.pass(0);
  assert.deepEqual(s.wokenSince(0), ['team-a/a']);
  await s.pass(20 * MINUTE);
  assert.equal(s.wakes.length, 1);
  s.safe.failure = new SafeError('SafeTimeout');
  await s.pass(5 * MINUTE);
  assert.deepEqual(s.wokenSince(1), ['team-a/a']);
  s.safe.failure = undefined;
  await s.pass(5 * MINUTE);
  assert.ok(s.wokenSince(2).includes('team-a/a'));
});

test('attempts back off to five minutes with full jitter, whoever asks meanwhile', async () => {
  const { s, fetcher } = failing(away(), () => 0.999);
  for (let second = 0; second < 3_600; second++) {
    if (second % 7 === 0) fetcher.need(`team-a/k${second}`, s.clock.now(), false);
    if (second % 10 === 0) fetcher.ask(s.clock.now());
    await s.pass(1_000);
  }
  const waits = s.asked.slice(1).map((at, index) => at - s.asked[index]!);
  assert.ok(waits.length <= 18, `${waits.length}`);
  assert.ok(waits.every((wait) => wait >= 4_995 && wait <= 300_000));
  assert.ok(waits.at(-1)! > 290_000);
});

test('a Retry-After is kept to the millisecond, by those who are forced too', async () => {
  const { s, fetcher } = failing(away({ retryAfterMs: 90_000 }));
  await s.pass(0);
  s.safe.failure = undefined;
  for (let second = 0; second < 89; second++) {
    fetcher.need('team-b/b', s.clock.now(), true);
    await s.pass(1_000);
  }
  assert.equal(s.asked.length, 1);
  await s.pass(1_000);
  assert.equal(s.asked.length, 2);
  assert.equal(s.asked[1]! - s.asked[0]!, 90_000);
});

test('one who is forced asks at once, and is woken whatever comes of it', async () => {
  const { s, fetcher } = failing(away(), () => 0.999);
  await s.pass(10 * MINUTE);
  const [asked, woken] = [s.asked.length, s.wakes.length];
  fetcher.need('team-b/b', s.clock.now(), true);
  await s.pass(0);
  assert.equal(s.asked.length, asked + 1);
  assert.deepEqual(s.wokenSince(woken), ['team-b/b']);
  assert.equal(fetcher.failure?.attemptedAt, s.clock.now());
});

test('one who is forced while a request is under way has one of their own', async () => {
  const { s, fetcher } = failing(away(), () => 0.999);
  s.safe.latencyMs = 1_000;
  await s.pass(10 * MINUTE);
  fetcher.need('team-b/b', s.clock.now(), true);
  await s.pass(500);
  fetcher.need('team-a/a', s.clock.now(), true);
  const forcedAt = s.clock.now();
  await s.pass(10_000);
  assert.ok(s.asked.at(-1)! >= forcedAt);
});

test('a cause that may have gone is tried at once', async () => {
  const { s } = failing(away(), () => 0.999);
  await s.pass(10 * MINUTE);
  s.safe.failure = undefined;
  const asked = s.asked.length;
  s.fetchers.retryNow();
  s.fetchers.retryNow();
  await s.pass(0);
  assert.equal(s.asked.length, asked + 1);
  assert.equal(said(s, AGAIN).length, 1);
  s.fetchers.retryNow();
  await s.pass(10_000);
  assert.equal(s.asked.length, asked + 1);
});

test('an error that nobody declared is a failure of Safe without its message', async () => {
  const { s, fetcher } = failing(new Error('s3cret') as SafeError);
  await s.pass(0);
  assert.equal(fetcher.failure?.code, 'SafeError');
  assert.doesNotMatch(JSON.stringify(s.lines), /s3cret/);
});
