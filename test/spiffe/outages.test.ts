import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { Code } from '@connectrpc/connect';
import { MalformedError } from '../../agent/spiffe/error.ts';
import { DevSpire } from '../devcluster/spire.ts';
import { SCOUT, startSpire, watch } from './harness.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'spiffe-test-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('a missing socket is SocketUnavailable, and heals when SPIRE comes', async (t) => {
  const socketPath = join(await folder(t), 'agent.sock');
  const { seen, clock, failure } = watch(t, { socket: `unix://${socketPath}` });
  await seen.whenLogged('no X.509-SVID');
  assert.equal(failure(), 'SocketUnavailable ENOENT');

  const spire = await startSpire(t, { socketPath });
  await spire.register(SCOUT);
  await clock.whenPending();
  await clock.advance(1_000);
  await seen.whenChanges('obtained');
});

test('a socket that nobody listens on, that may not be opened, or that is a file, is SocketUnavailable with the cause', async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'file.sock'), '');
  const causes = [['file.sock', 'ECONNREFUSED']];
  // Root may open everything.
  if (process.getuid?.() !== 0) {
    const server = createServer().listen(join(path, 'closed.sock'));
    await once(server, 'listening');
    t.after(() => server.close());
    await chmod(join(path, 'closed.sock'), 0);
    causes.push(['closed.sock', 'EACCES']);
  }
  for (const [name, cause] of causes) {
    const { seen, failure } = watch(t, { socket: `unix://${join(path, name ?? '')}` });
    await seen.whenLogged('no X.509-SVID');
    assert.equal(failure(), `SocketUnavailable ${cause}`);
  }
});

test('something that does not speak gRPC on the socket is SocketUnavailable', async (t) => {
  const path = join(await folder(t), 'other.sock');
  const server = createServer((connection) =>
    connection.on('error', () => {}).end('220 mail.example.com ESMTP\r\n'),
  ).listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  const { seen, failure } = watch(t, { socket: `unix://${path}` });
  await seen.whenLogged('no X.509-SVID');
  assert.match(failure() ?? '', /^SocketUnavailable ./);
});

test('while SPIRE is away the SVID in hand is used, until it expires', async (t) => {
  const spire = await startSpire(t);
  const svid = await spire.register(SCOUT, { ttlMs: 600_000 });
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');

  await spire.stop();
  await seen.whenLogged('Workload API stream ended', { cause: 'ENOENT' });
  assert.equal(failure(), undefined);
  assert.deepEqual(
    seen.logged('Workload API stream ended').map((line) => line.level),
    ['debug', 'warn'],
  );
  assert.deepEqual(seen.logged('no X.509-SVID'), []);
  // The clock runs past the end in steps, with a failed attempt in each.
  while (clock.now() < svid.notAfter) {
    await clock.whenPending((ms) => ms <= 15_000);
    await clock.advance(15_000);
  }
  await seen.whenChanges('obtained', 'expired');
  assert.equal(failure(), 'IdentityExpired');
  await clock.whenPending((ms) => ms <= 15_000);
  assert.equal(failure(), 'IdentityExpired');

  await spire.restart();
  await spire.register(SCOUT);
  await clock.advance(15_000);
  await seen.whenChanges('obtained', 'expired', 'obtained');
});

test('with the SPIRE server down the stream stays silent past expiry, and a new one delivers the expired SVID', async (t) => {
  const spire = await startSpire(t);
  spire.serverDown = true;
  const svid = await spire.register(SCOUT);
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  await clock.advance(svid.notAfter - clock.now());
  assert.deepEqual(seen.changes, ['obtained', 'expired']);

  spire.endStreams();
  await spire.whenOpened(2);
  await seen.whenLogged('Workload API stream ended', { cause: 'Unavailable' });
  assert.equal(failure(), 'IdentityExpired');
  assert.deepEqual(seen.changes, ['obtained', 'expired']);
});

test('a stream that delivered is opened again at once, and a second one that ends soon is not', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, clock } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');

  spire.endStreams();
  await spire.whenOpened(2);
  assert.equal(clock.now(), Date.parse(seen.logged('Workload API stream ended')[0]?.nextRetry ?? ''));

  // The second stream has delivered once the limit of 60 s for its first message is gone.
  while (clock.pending.some((ms) => ms <= 60_000)) await new Promise((resolve) => setImmediate(resolve));
  spire.endStreams();
  await seen.whenLogged('Workload API stream ended', {}, 2);
  await clock.whenPending((ms) => ms === 500);
  assert.equal(spire.opened, 2);
  await clock.advance(500);
  await spire.whenOpened(3);
  assert.deepEqual(seen.changes, ['obtained']);
});

test('attempts that fail come at growing distances, each a random part of its bound', async (t) => {
  const { seen, clock } = watch(t, { socket: `unix://${join(await folder(t), 'none.sock')}` });
  for (const [index, delay] of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].entries()) {
    await seen.whenLogged('Workload API stream ended', {}, index + 1);
    await clock.whenPending();
    assert.deepEqual(clock.pending, [delay]);
    await clock.advance(delay);
  }
  assert.equal(seen.logged('no X.509-SVID').length, 1);
});

test('SPIRE that says Unavailable is asked again', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  spire.fault = 'unavailable';
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  await seen.whenLogged('no X.509-SVID');
  assert.equal(failure(), 'SocketUnavailable Unavailable');

  spire.fault = undefined;
  await clock.whenPending();
  await clock.advance(500);
  await seen.whenChanges('obtained');
});

test('a stream without a first message is given up after a minute', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  spire.fault = 'silent';
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  await spire.whenOpened(1);
  assert.equal(failure(), 'SocketUnavailable no answer yet');

  await clock.advance(60_000);
  await seen.whenLogged('no X.509-SVID');
  assert.equal(failure(), 'SocketUnavailable timeout');
  spire.fault = undefined;
  await clock.whenPending((ms) => ms === 500);
  await clock.advance(500);
  await seen.whenChanges('obtained');
});

test('a stream may be silent for days once it has delivered', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, clock } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  await clock.advance(3 * 86_400_000);
  assert.equal(spire.opened, 1);
  assert.equal(spire.open, 1);
});

test('InvalidArgument is NoIdentity with that cause and is retried; an SVID in hand stays', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const held = watch(t, { socket: spire.socket });
  await held.seen.whenChanges('obtained');
  spire.endStreams(Code.InvalidArgument);
  await spire.whenOpened(2);
  assert.equal(held.failure(), undefined);

  const fresh = watch(t, { socket: spire.socket });
  spire.fault = 'silent';
  await spire.whenOpened(3);
  spire.endStreams(Code.InvalidArgument);
  await fresh.seen.whenLogged('no X.509-SVID', { cause: 'InvalidArgument' });
  assert.equal(fresh.failure(), 'NoIdentity InvalidArgument');
});

test('aborting ends the stream and every timer, and leaves the identity for what is in flight', async (t) => {
  const spire = await startSpire(t);
  const svid = await spire.register(SCOUT);
  const { seen, clock, stop, failure } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  await stop();
  assert.deepEqual(clock.pending, []);
  assert.equal(failure(), undefined);
  await clock.advance(svid.notAfter - clock.now());
  assert.equal(failure(), 'IdentityExpired');
});

test('a stream that ended takes its connection with it', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, stop } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  spire.endStreams();
  await spire.whenOpened(2);
  while (spire.connections > 1) await new Promise((resolve) => setImmediate(resolve));
  await stop();
  while (spire.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('aborting during a pause ends it at once', async (t) => {
  const { clock, seen, stop } = watch(t, { socket: `unix://${join(await folder(t), 'none.sock')}` });
  await seen.whenLogged('Workload API stream ended');
  await clock.whenPending();
  await stop();
  assert.deepEqual(clock.pending, []);
});

test('a socket address that does not parse is refused when the source is made', (t) => {
  assert.throws(() => watch(t, { socket: 'unix:relative' }), MalformedError);
});

test('two agents of one trust domain share the authority and nothing else', async (t) => {
  const first = await startSpire(t);
  const second = await DevSpire.start({ authority: first.authority });
  t.after(() => second.close());
  await first.register(`${SCOUT}-1`);
  await second.register(`${SCOUT}-2`);
  const one = watch(t, { socket: first.socket });
  const two = watch(t, { socket: second.socket });
  await one.seen.whenChanges('obtained');
  await two.seen.whenChanges('obtained');
  await first.authority.prepare();
  await one.seen.whenChanges('obtained', 'rotated');
  await two.seen.whenChanges('obtained', 'rotated');
  first.remove(`${SCOUT}-1`);
  await one.seen.whenChanges('obtained', 'rotated', 'withdrawn');
  assert.equal(two.failure(), undefined);
});
test('a SPIRE agent that restarts and denies for a while costs the SVID in hand nothing', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  await spire.stop();
  spire.remove(SCOUT);
  await spire.restart();
  for (let waited = 0; waited < 20_000;) {
    await clock.whenPending((ms) => ms <= 15_000);
    const next = Math.min(...clock.pending);
    await clock.advance(next);
    waited += next;
  }
  await seen.whenLogged('Workload API stream ended', { cause: 'PermissionDenied' }, 2);
  assert.equal(failure(), undefined);

  await spire.register(SCOUT);
  await clock.whenPending((ms) => ms <= 15_000);
  await clock.advance(15_000);
  await seen.whenChanges('obtained', 'rotated');
  assert.deepEqual(seen.changes, ['obtained', 'rotated']);
});

test('an entry that was deleted while SPIRE was away is found out after two minutes of denials', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  await spire.stop();
  spire.remove(SCOUT);
  await spire.restart();
  await clock.whenPending((ms) => ms <= 15_000);
  await clock.advance(Math.min(...clock.pending));
  await seen.whenLogged('Workload API stream ended', { cause: 'PermissionDenied' });
  const first = clock.now();
  while (seen.changes.length < 2) {
    assert.equal(failure(), undefined);
    assert.ok(clock.now() - first <= 135_000);
    await clock.whenPending((ms) => ms <= 15_000);
    await clock.advance(Math.min(...clock.pending));
  }
  assert.deepEqual(seen.changes, ['obtained', 'withdrawn']);
  assert.ok(clock.now() - first >= 120_000);
  assert.equal(failure(), 'NoIdentity PermissionDenied');
});

test('a mount of a folder that was made anew on the node is told as that, while the SVID lasts and afterwards', async (t) => {
  const path = await folder(t);
  const [removed, anew] = [join(path, 'removed'), join(path, 'anew')];
  await mkdir(removed);
  const mount = await open(removed);
  t.after(() => mount.close());
  // As a bind mount does, this follows the folder and not its name.
  await symlink(`/proc/self/fd/${mount.fd}`, join(path, 'mount'));
  const before = await startSpire(t, { socketPath: join(removed, 'agent.sock') });
  const svid = await before.register(SCOUT);
  const { seen, clock, failure } = watch(t, {
    socket: `unix://${join(path, 'mount', 'agent.sock')}`,
    hint: (code) => `about ${code}`,
  });
  await seen.whenChanges('obtained');

  await before.stop();
  await seen.whenLogged('Workload API stream ended', { cause: 'ENOENT' });
  await rm(removed, { recursive: true });
  await mkdir(anew);
  await clock.whenPending((ms) => ms <= 15_000);
  await clock.advance(15_000);
  await seen.whenLogged('Workload API stream ended', { cause: 'ORPHANED_MOUNT' });
  const [line] = seen.logged('Workload API stream ended', { cause: 'ORPHANED_MOUNT' });
  assert.deepEqual([line?.level, line?.code, line?.hint], ['warn', 'SocketOrphaned', 'about SocketOrphaned']);
  assert.equal(failure(), undefined);

  await clock.advance(svid.notAfter - clock.now());
  await seen.whenChanges('obtained', 'expired');
  // Each attempt waits for the disk, which no clock moves.
  while (failure() !== 'SocketOrphaned ORPHANED_MOUNT') await clock.advance(1_000);
  assert.equal(seen.logged('no X.509-SVID', { code: 'SocketOrphaned' }).length, 1);
  // Once, and again from time to time while an hour passes.
  const warned = seen
    .logged('Workload API stream ended', { code: 'SocketOrphaned' })
    .filter(({ level }) => level === 'warn');
  assert.ok(warned.length <= 1 + 3_600 / 300, `${warned.length} lines`);
});

test('a SPIRE agent that is away is told once, again when the cause changes, and when it is back', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, clock } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  await spire.stop();
  for (let attempts = 2; attempts < 8; attempts += 1) {
    await seen.whenLogged('Workload API stream ended', {}, attempts);
    await clock.whenPending((ms) => ms <= 15_000);
    await clock.advance(Math.min(...clock.pending));
  }
  const warned = () => seen.logged('Workload API stream ended').filter(({ level }) => level === 'warn');
  assert.deepEqual(
    warned().map(({ cause }) => cause),
    ['ENOENT'],
  );
  spire.fault = 'unavailable';
  await spire.restart();
  await clock.whenPending((ms) => ms <= 15_000);
  await clock.advance(15_000);
  await seen.until(() => warned().length === 2);
  assert.equal(warned()[1]?.cause, 'Unavailable');
  spire.fault = undefined;
  await clock.whenPending((ms) => ms <= 15_000);
  await clock.advance(15_000);
  await seen.whenLogged('Workload API answers again');
  const [end] = seen.logged('Workload API answers again');
  assert.ok((end?.durationSeconds ?? 0) > 20 && (end?.attempt ?? 0) >= 7);
});
