import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../agent/clock.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { bench, failure, safesLike, SCOUT, type Bench } from './harness.ts';

const CANARY = 'c4n4ry-v4lue';

async function filled(t: TestContext, options: Parameters<typeof bench>[1] = {}): Promise<Bench> {
  const all = await bench(t, options);
  for (const name of ['raw:one', 'raw:two']) await all.safe.register({ name, value: CANARY });
  return all;
}

test('a read gives the answer, when its request began and ended, and its size', async (t) => {
  const { safe, client, metrics, lines } = await filled(t);
  const before = systemClock.now();
  const { answer, begunAt, endedAt, bytes } = await client.read(safe.dial);
  assert.equal(answer.kind, 'named');
  assert.equal(answer.secrets.get('one')?.value, CANARY);
  assert.ok(before <= begunAt && begunAt <= endedAt && endedAt <= systemClock.now());
  assert.ok(bytes > 600);
  assert.deepEqual(
    safe.reads.map(({ spiffeId, status }) => [spiffeId, status]),
    [[SCOUT, 200]],
  );
  assert.equal((await metrics.safeRequests.get()).values[0]?.labels['code'], 'OK');
  assert.ok(!lines.join('').includes(CANARY));
});

test('each read makes and ends a connection of its own', async (t) => {
  const { safe, client } = await filled(t);
  await client.read(safe.dial);
  await client.read(safe.dial);
  assert.equal(safe.reads.length, 2);
  assert.equal(await safe.connections(), 0);
});

test('a dialled path is asked as it is', async (t) => {
  const { safe, client } = await filled(t);
  assert.deepEqual(await failure(client.read(`${safe.url}/path/to/safe`)), {
    code: 'SafeNotReady',
    status: 400,
  });
  assert.equal(safe.requests.at(-1)?.path, '/path/to/safe');
});

test('a Safe without raw: secrets, without root key and without its store', async (t) => {
  const { safe, client } = await bench(t);
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeHasNoSecrets', status: 404 });
  safe.storeAway = true;
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeNotReady', status: 503 });
  await safe.restart({ manual: true });
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeNotReady', status: 400 });
});

const statuses: [string, faults.Fault, object][] = [
  ['500', faults.status(500, {}, CANARY), { code: 'SafeError', status: 500 }],
  [
    '429 with Retry-After',
    faults.status(429, { 'retry-after': '7' }),
    { code: 'SafeError', status: 429, retryAfterMs: 7000 },
  ],
  [
    '503 with Retry-After',
    faults.status(503, { 'retry-after': '0' }),
    { code: 'SafeNotReady', status: 503, retryAfterMs: 0 },
  ],
  ['an empty body', faults.empty(), { code: 'ResponseMalformed', status: 200, cause: 'EMPTY_BODY' }],
  [
    'a body that is no JSON',
    faults.body(CANARY),
    { code: 'ResponseMalformed', status: 200, cause: 'NOT_JSON' },
  ],
  ['a body that breaks off', faults.cutOff(), { code: 'ResponseMalformed', cause: 'HTTPParserError' }],
  [
    'a body shorter than announced',
    faults.cutOff(true),
    { code: 'ResponseMalformed', cause: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' },
  ],
  [
    'a connection that is dropped without an answer',
    faults.drop(),
    { code: 'SafeUnreachable', cause: 'UND_ERR_SOCKET' },
  ],
];
for (const [what, fault, expected] of statuses) {
  test(`${what} is ${(expected as { code: string }).code}, and the next read is well`, async (t) => {
    const { safe, client, lines, metrics } = await filled(t);
    safe.fault = fault;
    const outcome = await client.read(safe.dial).catch((error: unknown) => error);
    assert.deepEqual(await failure(Promise.reject(outcome)), expected);
    assert.ok(!(inspect(outcome, { depth: 9 }) + lines.join('')).includes(CANARY));
    assert.equal(
      (await metrics.safeRequests.get()).values[0]?.labels['code'],
      (expected as { code: string }).code,
    );
    safe.fault = undefined;
    assert.equal((await client.read(safe.dial)).answer.kind, 'named');
  });
}

test('redirects are not followed', async (t) => {
  const { safe, client } = await filled(t);
  safe.fault = faults.status(307, { location: `${safe.dial}?elsewhere` });
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeError', status: 307 });
  safe.fault = faults.status(301, { location: 'http://127.0.0.1:1/' });
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeError', status: 301 });
  assert.equal(safe.requests.filter(({ method }) => method === 'GET').length, 2);
});

test('a body that is too large ends while it streams', async (t) => {
  const { safe, client } = await filled(t, { client: { maxBytes: 100_000 } });
  let written = 0;
  safe.fault = faults.large(1024 ** 3, (bytes) => (written = bytes));
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'ResponseTooLarge', status: 200 });
  assert.ok(written < 64 * 1024 ** 2, `${written} bytes were written`);
  safe.fault = faults.status(200, { 'content-length': '100001' }, ' '.repeat(100_001));
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'ResponseTooLarge', status: 200 });
});

test('a body of exactly the limit is read', async (t) => {
  const first = await filled(t);
  const { bytes } = await first.client.read(first.safe.dial);
  const body = JSON.stringify({ data: CANARY, created: '', updated: '' });
  for (const [maxBytes, expected] of [
    [body.length, undefined],
    [body.length - 1, 'ResponseTooLarge'],
  ] as const) {
    const { safe, client } = await filled(t, { client: { maxBytes } });
    safe.fault = faults.body(body);
    const read = client.read(safe.dial);
    if (expected) assert.equal((await failure(read)).code, expected);
    else assert.equal((await read).answer.kind, 'unnamed');
  }
  assert.ok(bytes > body.length);
});

const slow: [string, faults.Fault, string][] = [
  ['never answers', faults.hang(), 'TIMEOUT_WAITING'],
  ['stops in the middle of its answer', faults.stall(), 'TIMEOUT_READING'],
  ['answers later than that', faults.slow(60_000), 'TIMEOUT_WAITING'],
];
for (const [what, fault, cause] of slow) {
  test(`a Safe that ${what} is SafeTimeout after the whole time`, async (t) => {
    const { safe, client } = await filled(t, { client: { safes: safesLike({ timeoutMs: 300 }) } });
    safe.fault = fault;
    const start = performance.now();
    assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeTimeout', cause });
    assert.ok(performance.now() - start >= 299);
    assert.equal(await safe.connections(), 0);
  });
}

test('a peer that accepts and then says nothing is SafeTimeout in the handshake', async (t) => {
  const { client } = await bench(t, { client: { safes: safesLike({ timeoutMs: 200 }) } });
  const mute = createTcpServer((socket) => socket.on('error', () => {}));
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const { port } = mute.address() as AddressInfo;
  assert.deepEqual(await failure(client.read(`https://127.0.0.1:${port}/`)), {
    code: 'SafeTimeout',
    cause: 'TIMEOUT_HANDSHAKE',
  });
});

test('nobody there, no such name, a peer that speaks no TLS: SafeUnreachable with the cause', async (t) => {
  const { safe, client } = await bench(t);
  const plain = createTcpServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\n\r\n'));
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.after(() => plain.close());
  const { port } = plain.address() as AddressInfo;
  await safe.stop();
  assert.deepEqual(await failure(client.read(safe.dial)), { code: 'SafeUnreachable', cause: 'ECONNREFUSED' });
  assert.match((await failure(client.read('https://safe.invalid/'))).cause ?? '', /^(ENOTFOUND|EAI_AGAIN)$/);
  assert.deepEqual(await failure(client.read(`https://127.0.0.1:${port}/`)), {
    code: 'SafeUnreachable',
    cause: 'ERR_SSL_WRONG_VERSION_NUMBER',
  });
  await safe.start();
  assert.equal((await failure(client.read(safe.dial))).code, 'SafeHasNoSecrets');
});

test("an aborted read rejects with the signal's reason and ends its connection", async (t) => {
  const { safe, client } = await filled(t);
  safe.fault = faults.hang();
  const stop = new AbortController();
  const read = client.read(safe.dial, stop.signal);
  await safe.whenRead(1);
  stop.abort(new Error('enough'));
  await assert.rejects(read, { message: 'enough' });
  assert.equal(await safe.connections(), 0);
  await assert.rejects(client.read(safe.dial, stop.signal), { message: 'enough' });
  assert.equal(safe.reads.length, 1);
});

test('a closed client ends what is under way and asks no more', async (t) => {
  const { safe, client, identity } = await filled(t);
  safe.fault = faults.hang();
  const read = failure(client.read(safe.dial));
  await safe.whenRead(1);
  await client.close();
  assert.equal((await read).code, 'SafeUnreachable');
  assert.deepEqual(await failure(client.read(safe.dial)), {
    code: 'SafeUnreachable',
    cause: 'CLIENT_CLOSED',
  });
  assert.deepEqual([safe.reads.length, identity.listeners], [1, 0]);
});

test('secrets with dates that do not parse are named in the log once, until that changes', async (t) => {
  const { safe, client, lines } = await filled(t);
  const { body } = await safe.as(SCOUT).read();
  safe.fault = faults.body(body.replace(/9999-12-31T/, '2026-13-31T'));
  await client.read(safe.dial);
  await client.read(safe.dial);
  const warned = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');
  assert.equal(warned.length, 1);
  assert.deepEqual(warned[0].fields, ['expiresAfter']);
  assert.match(warned[0].secretName, /^(one|two)$/);
});
