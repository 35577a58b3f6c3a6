import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Reach } from '../../agent/reach.ts';
import { systemClock } from '../../agent/clock.ts';
import { FakeClock } from '../fake-clock.ts';
import { stuckPort } from '../stuck-port.ts';

/** Loopback has this address, and nobody listens there. */
const NOBODY = '127.9.9.9';

async function listening(t: TestContext, host = '127.0.0.1'): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const over = (
  addresses: readonly string[],
  clock = systemClock as ConstructorParameters<typeof Reach>[0]['clock'],
) => new Reach({ clock, names: { addresses: async () => addresses } });
const never = (): AbortSignal => new AbortController().signal;

function closed(t: TestContext, socket: Socket): Socket {
  t.after(() => socket.destroy());
  return socket;
}

test('the first address that answers is taken', async (t) => {
  const port = await listening(t);
  const socket = closed(t, await over([NOBODY, '127.0.0.1']).connect('safe', port, never()));
  assert.equal(socket.remoteAddress, '127.0.0.1');
});

test('an address that refuses is followed by the next at once', async (t) => {
  const port = await listening(t);
  const clock = new FakeClock();
  const socket = closed(t, await over([NOBODY, NOBODY, '127.0.0.1'], clock).connect('safe', port, never()));
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.deepEqual(clock.pending, []);
});

test('if all refuse, the last one’s reason is told', async () => {
  await assert.rejects(over([NOBODY, '127.9.9.8']).connect('safe', 1, never()), { code: 'ECONNREFUSED' });
});

test('a name without addresses is told as the look-up tells it', async () => {
  const names = { addresses: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) };
  const found: string[] = [];
  const reach = new Reach({ clock: systemClock, names });
  await assert.rejects(
    reach.connect('safe', 1, never(), () => found.push('x')),
    { code: 'ENOTFOUND' },
  );
  assert.deepEqual(found, []);
});

test('an address that does not answer gets company after a quarter of a second, and loses to it', async (t) => {
  const { port } = await stuckPort(t, { host: NOBODY });
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const clock = new FakeClock();
  const found: string[] = [];
  const connecting = over([NOBODY, '127.0.0.1'], clock).connect('safe', port, never(), () => found.push('x'));
  await clock.whenPending();
  assert.deepEqual([clock.pending, found], [[250], ['x']]);
  await clock.advance(250);
  const socket = closed(t, await connecting);
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.deepEqual(clock.pending, []);
});

test('one address, or the last of several, has all the time there is', async (t) => {
  const { port, free } = await stuckPort(t, { host: NOBODY });
  const clock = new FakeClock();
  const connecting = over(['127.9.9.8', NOBODY], clock).connect('safe', port, never());
  await clock.whenPending();
  await clock.advance(5_000);
  free();
  const socket = closed(t, await connecting);
  assert.equal(socket.remoteAddress, NOBODY);
});

test('giving up ends all attempts, and the socket of none is left', async (t) => {
  const { port } = await stuckPort(t, { host: NOBODY });
  const clock = new FakeClock();
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = sockets();
  const stop = new AbortController();
  const connecting = over([NOBODY, NOBODY, NOBODY], clock).connect('safe', port, stop.signal);
  await clock.whenPending();
  await clock.advance(250);
  stop.abort();
  await assert.rejects(connecting, { name: 'AbortError' });
  assert.deepEqual(clock.pending, []);
  while (sockets() > before) await new Promise((resolve) => setImmediate(resolve));
});
