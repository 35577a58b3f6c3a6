import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { HealthServer, type HealthOptions } from '../../agent/health.ts';
import { FakeClock } from '../fake-clock.ts';

async function start(t: TestContext, options: Partial<HealthOptions> = {}): Promise<number> {
  const server = new HealthServer({
    port: 0,
    host: '127.0.0.1',
    clock: systemClock,
    checks: {},
    metrics: async () => ({ type: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    ...options,
  });
  t.after(() => server.close());
  return server.listen();
}

const get = (port: number, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, init);

/** What the server answers to bytes that no HTTP client would send. */
async function sendRaw(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.write(`${head}\r\nHost: agent\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return answer;
}

test('an agent that runs is alive', async (t) => {
  const answer = await get(await start(t), '/livez');
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), 'ok\n');
});

test('an agent is ready when every check holds, and says which does not', async (t) => {
  const holds = { caches: false, identity: true };
  const port = await start(t, {
    checks: { caches: () => holds.caches, identity: () => holds.identity },
  });
  const before = await get(port, '/readyz');
  assert.equal(before.status, 503);
  assert.equal(await before.text(), '[-] caches not yet\n[+] identity ok\n');
  holds.caches = true;
  const after = await get(port, '/readyz?verbose');
  assert.equal(after.status, 200);
  assert.equal(await after.text(), '[+] caches ok\n[+] identity ok\n');
});

test('metrics are served with their type, and a failure to make them is a 500', async (t) => {
  let fails = false;
  const metrics: HealthOptions['metrics'] = async () => {
    if (fails) throw new Error('no');
    return { type: 'text/plain; version=0.0.4', text: 'up 1\n' };
  };
  const clock = new FakeClock();
  const port = await start(t, { metrics, clock });
  const answer = await get(port, '/metrics');
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4');
  assert.equal(await answer.text(), 'up 1\n');
  fails = true;
  await clock.advance(1_000);
  assert.equal((await get(port, '/metrics')).status, 500);
});

test('HEAD is answered without a body, other methods and paths are refused', async (t) => {
  const port = await start(t);
  const head = await get(port, '/livez', { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  assert.equal((await get(port, '/livez', { method: 'POST' })).status, 405);
  assert.equal((await get(port, '/')).status, 404);
  assert.equal((await get(port, '/livez/')).status, 404);
});

test('no request target, however odd, ends the server', async (t) => {
  const port = await start(t);
  for (const target of ['//', '///', '//[', 'http://[', 'http://', '/\\', '/%', '*', '/livez#x', '?x'])
    assert.match(await sendRaw(port, `GET ${target} HTTP/1.1`), /^HTTP\/1\.1 [2-4]\d\d /, target);
  assert.equal((await get(port, '/livez')).status, 200);
});

test('a port that is taken fails the start', async (t) => {
  const port = await start(t);
  await assert.rejects(start(t, { port }), { code: 'EADDRINUSE' });
});

test('closing ends connections that are kept alive, and may be asked for twice', async () => {
  const server = new HealthServer({
    port: 0,
    host: '127.0.0.1',
    clock: systemClock,
    checks: {},
    metrics: async () => ({ type: '', text: '' }),
  });
  await server.close();
  const port = await server.listen();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.resume().on('error', () => {});
  await server.close();
  await closed;
  await server.close();
});

/** A connection that sends what is given and reads nothing; resolves when it is closed. */
async function unread(port: number, sent: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(sent);
  return socket;
}
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.resume().once('close', () => resolve());
  });

test('a connection is good for one request, however many are sent on it', async (t) => {
  let scrapes = 0;
  const metrics = async () => ({ type: 'text/plain', text: `${++scrapes}`.repeat(1_000) });
  const port = await start(t, { metrics, clock: new FakeClock() });
  const socket = await unread(port, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_500));
  await closed(socket);
  assert.equal(scrapes, 1);
  assert.ok(socket.bytesRead < 2_000, `${socket.bytesRead} bytes`);
  const answer = await get(port, '/livez');
  assert.equal(answer.headers.get('connection'), 'close');
});

test('scrapes of one second are one scrape, and one at a time', async (t) => {
  const clock = new FakeClock();
  let scrapes = 0;
  let wait = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const metrics = async () => {
    const text = `${++scrapes}`;
    begun.resolve();
    await wait.promise;
    return { type: 'text/plain', text };
  };
  const port = await start(t, { metrics, clock });
  const scrape = async () => (await get(port, '/metrics')).text();
  const first = [scrape(), scrape(), scrape()];
  await begun.promise;
  // Later than a second, but that one is still under way.
  await clock.advance(1_500);
  const second = scrape();
  await get(port, '/livez');
  wait.resolve();
  assert.deepEqual(await Promise.all([...first, second]), ['1', '1', '1', '1']);
  wait = Promise.withResolvers();
  wait.resolve();
  assert.equal(await scrape(), '2');
  assert.equal(await scrape(), '2');
  await clock.advance(1_000);
  assert.equal(await scrape(), '3');
});

test('who opens many connections loses its own, and a probe is answered', async (t) => {
  const port = await start(t, { clock: new FakeClock() });
  const sockets: Socket[] = [];
  for (let count = 0; count < 100; count++) sockets.push(await unread(port, 'GET /'));
  assert.equal((await get(port, '/readyz')).status, 200);
  await Promise.all(sockets.slice(0, 60).map(closed));
  assert.equal(sockets.at(-1)!.destroyed, false);
});

test('a connection ends after ten seconds, whatever it waits for', async (t) => {
  const clock = new FakeClock();
  const port = await start(t, { clock, metrics: () => new Promise(() => {}) });
  const sockets = [
    await unread(port, ''),
    await unread(port, 'GET /livez HTTP/1.1\r\n'),
    await unread(port, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'),
    await unread(port, 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx'),
  ];
  // All have been accepted.
  await get(port, '/livez');
  await clock.advance(10_000);
  await Promise.all(sockets.map(closed));
});

test('a head of more than 8 KiB is refused', async (t) => {
  const port = await start(t);
  assert.match(await sendRaw(port, `GET /livez HTTP/1.1\r\nX: ${'x'.repeat(9_000)}`), /^HTTP\/1\.1 431 /);
});
