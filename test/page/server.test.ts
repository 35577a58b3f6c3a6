import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import type { AgentState, ResourceName } from '../../agent/api/state.ts';
import { PageServer } from '../../agent/page/server.ts';
import { agentState } from './agent-state.ts';

async function serve(
  t: TestContext,
  state: (one?: ResourceName) => Promise<AgentState> = async () => agentState(),
) {
  const server = new PageServer({ port: 0, state, meetings: async () => [], clock: systemClock });
  const port = await server.listen();
  t.after(() => server.close());
  const ask = async (
    path: string,
    { host = `localhost:${port}`, method = 'GET', address = '127.0.0.1', headers = {} } = {},
  ): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: string }> => {
    const sent = request({ host: address, port, path, method, headers: { host, ...headers } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
  return { port, ask };
}

test('/state.json is the state as it is at that moment', async (t) => {
  let asked = 0;
  const { ask } = await serve(t, async () => agentState({ version: `${++asked}` }));
  assert.deepEqual(JSON.parse((await ask('/state.json')).body), agentState({ version: '1' }));
  const { headers, body } = await ask('/state.json');
  assert.equal(JSON.parse(body).version, '2');
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(headers['cache-control'], 'no-store');
});

test('/ is a page that may run its own script and nothing else, and lies in no other page', async (t) => {
  const { ask } = await serve(t);
  const [first, second] = [await ask('/'), await ask('/?x=y')];
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.match(first.body, /<title>VSecM agent on node-1<\/title>/);
  const policy = String(first.headers['content-security-policy']);
  const [, nonce] = /script-src 'nonce-([^']+)'/.exec(policy) ?? [];
  assert.ok(nonce !== undefined && first.body.includes(`<script nonce="${nonce}">`));
  assert.ok(!second.body.includes(nonce), 'a nonce is used once');
  assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'$/);
  assert.equal(first.headers['x-frame-options'], 'DENY');
});

test('a Host that is not this machine is answered by 421, whatever it asks', async (t) => {
  const { port, ask } = await serve(t);
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    'localhost.',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '0.0.0.0',
    '10.0.0.1:9465',
    '[::]',
    '[::1].evil.example',
    'localhost@evil.example',
    'localhost:1:2',
  ];
  for (const host of foreign) {
    for (const path of ['/', '/state.json', '/other'])
      assert.equal((await ask(path, { host })).status, 421, host);
    assert.equal((await ask('/', { host, method: 'POST' })).status, 421);
  }
});

test('this machine has three names, with any port: a forwarded one is another', async (t) => {
  const { port, ask } = await serve(t);
  for (const name of ['localhost', 'LOCALHOST', '127.0.0.1', '[::1]'])
    for (const host of [name, `${name}:${port}`, `${name}:12345`])
      assert.equal((await ask('/state.json', { host })).status, 200, host);
});

test('neither an address in the request line nor the lack of a Host gets around it', async (t) => {
  const { port } = await serve(t);
  for (const head of [
    'GET http://localhost/state.json HTTP/1.1\r\nHost: evil.example',
    'GET /state.json HTTP/1.1\r\nHost:',
    'GET /state.json HTTP/1.0',
  ]) {
    const socket = connect(port, '127.0.0.1');
    socket.end(`${head}\r\nConnection: close\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1\.1 421 /, head);
  }
});

test('of one resource, whole, tells a request that names it', async (t) => {
  const asked: unknown[] = [];
  const { ask } = await serve(t, async (one) => {
    asked.push(one);
    return agentState();
  });
  assert.equal((await ask('/state.json?namespace=a%2Fb&name=x%20y')).status, 200);
  assert.equal((await ask('/state.json')).status, 200);
  for (const query of ['namespace=a', 'name=a', 'x=y', 'x'])
    assert.equal((await ask(`/state.json?${query}`)).status, 400, query);
  assert.deepEqual(asked, [{ namespace: 'a/b', name: 'x y' }, undefined]);
});

test('what another site has a browser ask is refused', async (t) => {
  const { ask } = await serve(t);
  for (const [site, status] of [
    ['cross-site', 403],
    ['same-site', 403],
    ['same-origin', 200],
    ['none', 200],
  ] as const)
    for (const path of ['/', '/state.json'])
      assert.equal((await ask(path, { headers: { 'sec-fetch-site': site } })).status, status, site);
});

test('nothing but GET is answered, and nothing but the two paths', async (t) => {
  const { ask } = await serve(t);
  for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { status, headers } = await ask('/state.json', { method });
    assert.deepEqual([status, headers.allow], [405, 'GET'], method);
  }
  for (const path of ['/metrics', '//', '/state.json/', '/..', '*', '/index.html'])
    assert.equal((await ask(path)).status, 404, path);
});

test('the page listens on loopback only, on ::1 too where there is one', async (t) => {
  const { port, ask } = await serve(t);
  const { networkInterfaces } = await import('node:os');
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  if (addresses.some(({ address }) => address === '::1'))
    assert.equal((await ask('/state.json', { address: '::1', host: `[::1]:${port}` })).status, 200);
  for (const { address, internal, family } of addresses) {
    if (internal || address.startsWith('fe80')) continue;
    const socket = connect({ port, host: address, family: family === 'IPv6' ? 6 : 4 });
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNREFUSED', address);
  }
});

test('a state that cannot be told is a 500 without a word of why', async (t) => {
  const { ask } = await serve(t, () => Promise.reject(new Error('s3cr3t')));
  const { status, body } = await ask('/');
  assert.equal(status, 500);
  assert.doesNotMatch(body, /s3cr3t/);
});

test('a port that is taken is an error, and close frees it', async () => {
  const first = new PageServer({
    port: 0,
    state: async () => agentState(),
    meetings: async () => [],
    clock: systemClock,
  });
  const port = await first.listen();
  const second = new PageServer({
    port,
    state: async () => agentState(),
    meetings: async () => [],
    clock: systemClock,
  });
  await assert.rejects(second.listen(), { code: 'EADDRINUSE' });
  await first.close();
  assert.equal(await second.listen(), port);
  await second.close();
});
