import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { SafeCache, type SafeCacheOptions } from '../../agent/safe/cache.ts';
import type { Fetched } from '../../agent/safe/client.ts';
import { SafeError } from '../../agent/safe/error.ts';
import { UnnamedAnswer } from '../../agent/safe/response.ts';
import { FakeClock } from '../fake-clock.ts';
import { bench, failure } from './harness.ts';

const A = 'https://a/workload/v1/secrets';
const B = 'https://b/workload/v1/secrets';

/** A client whose requests stay open until the test ends them. */
class HandClient {
  readonly requests: {
    dial: string;
    at: number;
    answer: (bytes?: number) => Fetched;
    fail: (error: Error) => void;
  }[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  read(dial: string): Promise<Fetched> {
    const { promise, resolve, reject } = Promise.withResolvers<Fetched>();
    const at = this.#clock.now();
    const answer = (bytes = 100): Fetched => {
      const fetched = { answer: new UnnamedAnswer('v'), begunAt: at, endedAt: this.#clock.now(), bytes };
      resolve(fetched);
      return fetched;
    };
    this.requests.push({ dial, at, answer, fail: reject });
    return promise;
  }

  get last() {
    const last = this.requests.at(-1);
    assert.ok(last, 'there was a request');
    return last;
  }
}

function setUp(options: Partial<SafeCacheOptions> = {}) {
  const clock = new FakeClock();
  const client = new HandClient(clock);
  const metrics = createMetrics();
  const cache = new SafeCache({
    client,
    identityKey: () => 'spiffe://vsecm.com/me',
    maxBytes: 1000,
    clock,
    metrics,
    ...options,
  });
  const start = clock.now();
  /** When each request began, milliseconds after the start. */
  const starts = (): number[] => client.requests.map(({ at }) => at - start);
  return { clock, client, cache, metrics, starts };
}

test('the first request to a URL leaves at once, the next after five seconds', async () => {
  const { clock, client, cache, starts } = setUp();
  const first = cache.read(A, clock.now());
  const answer = client.last.answer();
  assert.equal(await first, answer);
  await clock.advance(1);
  const second = cache.read(A, clock.now());
  await clock.advance(4998);
  assert.deepEqual(starts(), [0]);
  await clock.advance(1);
  assert.deepEqual(starts(), [0, 5000]);
  assert.equal(client.last.answer(), await second);
  assert.equal(clock.pending.length, 0);
});

test('each URL has a floor and an answer of its own', async () => {
  const { clock, client, cache, starts } = setUp();
  const reads = [cache.read(A, clock.now()), cache.read(B, clock.now())];
  const answers = client.requests.map(({ answer }) => answer());
  assert.deepEqual(await Promise.all(reads), answers);
  assert.deepEqual(starts(), [0, 0]);
  assert.deepEqual([cache.cached(A), cache.cached(B)], answers);
});

test('an answer in memory serves whoever wants none that was begun later', async () => {
  const { clock, client, cache } = setUp();
  const at = clock.now();
  const first = cache.read(A, at);
  const answer = client.last.answer();
  await first;
  await clock.advance(60_000);
  assert.equal(await cache.read(A, at), answer);
  assert.equal(await cache.read(A, at - 30_000), answer);
  assert.equal(cache.cached(A), answer);
  assert.equal(client.requests.length, 1);
});

test('who asks in the same moment shares the request; who asks later gets the next one', async () => {
  const { clock, client, cache, starts } = setUp();
  const early = [cache.read(A, clock.now()), cache.read(A, clock.now()), cache.read(A, clock.now() - 1000)];
  await clock.advance(1000);
  const late = [cache.read(A, clock.now()), cache.read(A, clock.now())];
  // One that is content with the request under way.
  const content = cache.read(A, clock.now() - 1000);
  const first = client.last.answer();
  for (const read of [...early, content]) assert.equal(await read, first);
  await clock.advance(10_000);
  assert.deepEqual(starts(), [0, 5000]);
  const second = client.last.answer();
  for (const read of late) assert.equal(await read, second);
});

test('one request at a time: a slow one is waited for, the next follows at once', async () => {
  const { clock, client, cache, starts } = setUp();
  const first = cache.read(A, clock.now());
  await clock.advance(3000);
  const second = cache.read(A, clock.now());
  await clock.advance(9000);
  assert.deepEqual(starts(), [0]);
  client.last.answer();
  await first;
  await clock.advance(0);
  assert.deepEqual(starts(), [0, 12_000]);
  client.last.answer();
  await second;
});

test('a thousand readers within five seconds cost two requests', async () => {
  const { clock, client, cache, starts } = setUp();
  const reads: Promise<Fetched>[] = [];
  for (let i = 0; i < 1000; i++) {
    reads.push(cache.read(A, clock.now()));
    if (i === 0) client.last.answer();
    await clock.advance(4);
  }
  await clock.advance(5000);
  client.last.answer();
  const answers = await Promise.all(reads);
  assert.deepEqual(starts(), [0, 5000]);
  assert.equal(new Set(answers).size, 2);
});

test('a failure is thrown to all who wait for that request, and to nobody else', async () => {
  const { clock, client, cache, starts } = setUp();
  const first = [failure(cache.read(A, clock.now())), failure(cache.read(A, clock.now()))];
  await clock.advance(10);
  const next = cache.read(A, clock.now());
  client.last.fail(new SafeError('SafeUnreachable', { cause: 'ECONNREFUSED' }));
  for (const outcome of await Promise.all(first))
    assert.deepEqual(outcome, { code: 'SafeUnreachable', cause: 'ECONNREFUSED' });
  await clock.advance(5000);
  assert.deepEqual(starts(), [0, 5000]);
  assert.equal(client.last.answer(), await next);
});

test('after a failure the answer in memory stays', async () => {
  const { clock, client, cache } = setUp();
  const read = cache.read(A, clock.now());
  const kept = client.last.answer();
  await read;
  await clock.advance(5000);
  const failing = failure(cache.read(A, clock.now()));
  client.last.fail(new SafeError('SafeTimeout'));
  assert.equal((await failing).code, 'SafeTimeout');
  assert.equal(cache.cached(A), kept);
});

test('a failure before anything was sent does not count for the floor', async () => {
  const { clock, client, cache, starts } = setUp();
  const failing = failure(cache.read(A, clock.now()));
  client.last.fail(new SafeError('NoIdentity', { unsent: true }));
  assert.equal((await failing).code, 'NoIdentity');
  await clock.advance(1);
  void cache.read(A, clock.now());
  assert.deepEqual(starts(), [0, 1]);
});

test('while a Retry-After runs nothing is asked, and whoever would wait is told how long', async () => {
  const { clock, client, cache, starts } = setUp();
  const waiting = failure(cache.read(A, clock.now()));
  await clock.advance(10);
  const next = failure(cache.read(A, clock.now()));
  client.last.fail(new SafeError('SafeError', { status: 429, retryAfterMs: 20_000 }));
  assert.deepEqual(await waiting, { code: 'SafeError', status: 429, retryAfterMs: 20_000 });
  assert.deepEqual(await next, { code: 'SafeError', status: 429, retryAfterMs: 20_000 });
  await clock.advance(15_000);
  assert.deepEqual(await failure(cache.read(A, clock.now())), {
    code: 'SafeError',
    status: 429,
    retryAfterMs: 5000,
  });
  void cache.read(B, clock.now());
  await clock.advance(5000);
  void cache.read(A, clock.now());
  assert.deepEqual(starts(), [0, 15_010, 20_010]);
});

test('an answer in memory serves while a Retry-After runs', async () => {
  const { clock, client, cache } = setUp();
  const at = clock.now();
  const first = cache.read(A, at);
  const kept = client.last.answer();
  await first;
  await clock.advance(5000);
  const failing = failure(cache.read(A, clock.now()));
  client.last.fail(new SafeError('SafeNotReady', { retryAfterMs: 60_000 }));
  await failing;
  assert.equal(await cache.read(A, at), kept);
});

test('an answer that is larger than the cache is returned and not kept', async () => {
  const { clock, client, cache, metrics } = setUp();
  const read = cache.read(A, clock.now());
  assert.equal(client.last.answer(1001), await read);
  assert.equal(cache.cached(A), undefined);
  assert.equal((await metrics.safeCacheBytes.get()).values[0]?.value, 0);
});

test('each Safe has a floor of its own', async () => {
  const { clock, client, cache } = setUp({ floorMs: (dial) => (dial === A ? 60_000 : undefined) });
  for (const dial of [A, B]) {
    const read = cache.read(dial, clock.now());
    client.last.answer();
    await read;
  }
  const begun = clock.now();
  await clock.advance(1);
  for (const dial of [A, B]) void cache.read(dial, clock.now());
  await clock.advance(4_999);
  assert.deepEqual(
    client.requests.slice(2).map(({ dial, at }) => [dial, at - begun]),
    [[B, 5_000]],
  );
  await clock.advance(55_000);
  assert.deepEqual(
    client.requests.slice(2).map(({ dial, at }) => [dial, at - begun]),
    [
      [B, 5_000],
      [A, 60_000],
    ],
  );
});

test('each Safe has the whole number of bytes to itself: no answer evicts another’s', async () => {
  const { clock, client, cache, metrics } = setUp();
  for (const [dial, bytes] of [
    [A, 600],
    [B, 900],
  ] as const) {
    const read = cache.read(dial, clock.now());
    client.last.answer(bytes);
    await read;
  }
  assert.equal(cache.cached(A)?.bytes, 600);
  assert.equal(cache.cached(B)?.bytes, 900);
  assert.equal((await metrics.safeCacheBytes.get()).values[0]?.value, 2 ** 20);
});

test('an answer belongs to the identity it was given to', async () => {
  let me = 'spiffe://vsecm.com/one';
  const { clock, client, cache } = setUp({ identityKey: () => me });
  const at = clock.now();
  const read = cache.read(A, at);
  me = 'spiffe://vsecm.com/two';
  const answer = client.last.answer();
  await read;
  assert.equal(cache.cached(A), undefined);
  me = 'spiffe://vsecm.com/one';
  assert.equal(cache.cached(A), answer);
});

test('without an identity the answers had with the last one are still there', async () => {
  let identity: string | undefined = 'spiffe://vsecm.com/me';
  const identityKey = (): string => {
    if (identity === undefined) throw new Error('none');
    return identity;
  };
  const { clock, client, cache } = setUp({ identityKey });
  const read = cache.read(A, clock.now());
  const answer = client.last.answer();
  await read;
  identity = undefined;
  assert.equal(cache.cached(A), answer);
});

test('a released answer is gone, and the floor holds all the same', async () => {
  const { clock, client, cache, starts } = setUp();
  const at = clock.now();
  const read = cache.read(A, at);
  client.last.answer();
  await read;
  cache.release(A);
  assert.equal(cache.cached(A), undefined);
  void cache.read(A, at);
  await clock.advance(5000);
  assert.deepEqual(starts(), [0, 5000]);
});

test('closing fails those who wait for a request that has not begun, and leaves no timer', async () => {
  const { clock, client, cache } = setUp();
  const first = cache.read(A, clock.now());
  client.last.answer();
  await first;
  await clock.advance(1);
  const waiting = failure(cache.read(A, clock.now()));
  cache.close();
  assert.equal((await waiting).code, 'SafeUnreachable');
  assert.equal(clock.pending.length, 0);
});

test('over a real Safe: many readers, one request', async (t) => {
  const { safe, client } = await bench(t);
  const cache = new SafeCache({
    client,
    identityKey: () => 'me',
    maxBytes: 1e6,
    clock: systemClock,
    metrics: createMetrics(),
  });
  for (const name of ['raw:one', 'raw:two']) await safe.register({ name, value: 'v' });
  const asked = systemClock.now();
  const reads = await Promise.all(Array.from({ length: 50 }, () => cache.read(safe.dial, asked)));
  assert.equal(safe.reads.length, 1);
  assert.equal(new Set(reads).size, 1);
  assert.equal(cache.cached(safe.dial), reads[0]);
});
