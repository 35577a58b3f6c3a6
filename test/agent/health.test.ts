import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { HealthServer, type HealthOptions } from '../../agent/health.ts';

async function start(t: TestContext, options: Partial<HealthOptions> = {}): Promise<number> {
  const server = new HealthServer({
    port: 0,
    host: '127.0.0.1',
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
  const port = await start(t, { metrics });
  const answer = await get(port, '/metrics');
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4');
  assert.equal(await answer.text(), 'up 1\n');
  fails = true;
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
