import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import { KEYSTONE, SCOUT, startSpire, watch } from './harness.ts';

test('a registration entry gives an identity that is ready for TLS', async (t) => {
  const spire = await startSpire(t);
  const svid = await spire.register(SCOUT);
  const { source, seen, metrics } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');

  const identity = source.current();
  assert.equal(identity.id.uri, SCOUT);
  assert.equal(identity.certificatesPem, svid.certPem);
  assert.match(identity.keyPem, /^-----BEGIN PRIVATE KEY-----/);
  assert.equal(identity.bundle.pem.join(''), spire.authority.bundlePem);
  assert.equal(identity.notAfter, svid.notAfter);
  assert.equal((await metrics.identityExpiry.get()).values[0]?.value, svid.notAfter / 1000);
  assert.deepEqual(
    seen.logged('X.509-SVID obtained').map((line) => line.spiffeID),
    [SCOUT],
  );
});

test('before an entry is there the Workload API denies, and the SVID comes without a restart', async (t) => {
  const spire = await startSpire(t);
  const { seen, clock, failure } = watch(t, { socket: spire.socket });
  assert.equal(failure(), 'SocketUnavailable no answer yet');
  await seen.whenLogged('no X.509-SVID', { code: 'NoIdentity' });
  assert.equal(failure(), 'NoIdentity PermissionDenied');

  await spire.register(SCOUT);
  await clock.advance(1_000);
  await seen.whenChanges('obtained');
  assert.equal(failure(), undefined);
});

test('an entry that is deleted withdraws the SVID', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, failure, metrics } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');

  spire.remove(SCOUT);
  await seen.whenChanges('obtained', 'withdrawn');
  assert.equal(failure(), 'NoIdentity PermissionDenied');
  assert.equal((await metrics.identityExpiry.get()).values[0]?.value, 0);
});

test('a renewed SVID is swapped in on the open stream', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  const before = source.current();

  await spire.renew();
  await seen.whenChanges('obtained', 'rotated');
  assert.notEqual(source.current().serialNumber, before.serialNumber);
  assert.equal(spire.opened, 1);
});

test('a message that says the same again, in another order or about others, changes nothing', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  await spire.authority.prepare();
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  const before = source.current();

  spire.resend();
  await spire.register(KEYSTONE);
  await spire.renew(KEYSTONE);
  const { svids } = spire.message();
  const [older, newer] = spire.authority.roots.map(({ certDer }) => certDer);
  spire.send({
    svids: svids.map((svid) => ({
      ...svid,
      bundle: Buffer.concat([newer ?? '', older ?? ''].map((der) => Buffer.from(der))),
    })),
  });
  spire.remove(SCOUT);
  await seen.whenChanges('obtained', 'withdrawn');
  assert.deepEqual(seen.changes, ['obtained', 'withdrawn']);
  assert.equal(before.bundle.pem.length, 2);
});

test('a root that joins the bundle is trusted at once, though the SVID stays the same', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  const before = source.current();

  await spire.authority.prepare();
  await seen.whenChanges('obtained', 'rotated');
  assert.equal(source.current().serialNumber, before.serialNumber);
  assert.equal(source.current().bundle.pem.length, 2);

  spire.authority.activate();
  await spire.renew();
  await seen.whenChanges('obtained', 'rotated', 'rotated');
  assert.notEqual(source.current().serialNumber, before.serialNumber);
});

test('a root of the bundle that has expired does not matter', async (t) => {
  const expired = await DevAuthority.create({ caTtlMs: 5_000 });
  const spire = await startSpire(t);
  t.after(() => expired.close());
  await spire.register(SCOUT);
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');

  const { svids } = spire.message();
  spire.send({
    svids: svids.map((svid) => ({ ...svid, bundle: Buffer.concat([expired.bundleDer, svid.bundle]) })),
  });
  await seen.whenChanges('obtained', 'rotated');
  assert.ok(source.current().bundle.certificates.some((root) => root.validToDate.getTime() < Date.now()));
});

test('of several SVIDs the one of scout is used, whatever their order', async (t) => {
  const spire = await startSpire(t);
  await spire.register(KEYSTONE);
  await spire.register(SCOUT);
  await spire.register('spiffe://vsecm.com/elsewhere');
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  assert.equal(source.current().id.uri, SCOUT);

  for (let i = 0; i < 10; i += 1) spire.resend();
  await spire.renew(SCOUT);
  await seen.whenChanges('obtained', 'rotated');
  assert.deepEqual(seen.changes, ['obtained', 'rotated']);
});

test('of two scout SVIDs the same one stays in use when the other is renewed', async (t) => {
  const spire = await startSpire(t);
  await spire.register(`${SCOUT}-b`, { ttlMs: 3_000_000 });
  await spire.register(`${SCOUT}-a`, { ttlMs: 1_000_000 });
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  assert.equal(source.current().id.uri, `${SCOUT}-a`);
  await spire.renew(`${SCOUT}-b`);
  await spire.renew(`${SCOUT}-a`);
  await seen.whenChanges('obtained', 'rotated');
  assert.deepEqual(seen.changes, ['obtained', 'rotated']);
  assert.equal(source.current().id.uri, `${SCOUT}-a`);
});

test('SVIDs without one of scout withdraw it, and the log names what was issued instead', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { seen, failure } = watch(t, {
    socket: spire.socket,
    hint: (code, { trustDomain }) => `about ${code} in ${trustDomain}`,
  });
  await seen.whenChanges('obtained');

  await spire.replace(SCOUT, KEYSTONE);
  await seen.whenChanges('obtained', 'withdrawn');
  assert.equal(failure(), 'IdentityNotScout');
  const line = seen.logged('no X.509-SVID', { code: 'IdentityNotScout' })[0];
  assert.deepEqual(
    [line?.level, line?.stage, line?.spiffeID, line?.hint],
    ['warn', 'identity', KEYSTONE, 'about IdentityNotScout in vsecm.com'],
  );

  await spire.replace(KEYSTONE, SCOUT);
  await seen.whenChanges('obtained', 'withdrawn', 'obtained');
});

test('a scout of another trust domain is not the agent', async (t) => {
  const spire = await startSpire(t, { trustDomain: 'example.org' });
  await spire.register(SCOUT.replace('vsecm.com', 'example.org'));
  const { seen, failure } = watch(t, { socket: spire.socket });
  await seen.whenLogged('no X.509-SVID');
  assert.equal(failure(), 'IdentityNotScout');
});

test('an SVID is used until the instant it expires, and not after', async (t) => {
  const spire = await startSpire(t);
  const svid = await spire.register(SCOUT, { ttlMs: 60_000 });
  const { seen, clock, failure, metrics } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');

  await clock.advance(svid.notAfter - clock.now() - 1);
  assert.equal(failure(), undefined);
  assert.deepEqual(seen.changes, ['obtained']);
  await clock.advance(1);
  assert.deepEqual(seen.changes, ['obtained', 'expired']);
  assert.equal(failure(), 'IdentityExpired');
  assert.equal((await metrics.identityExpiry.get()).values[0]?.value, 0);

  await spire.register(SCOUT);
  await seen.whenChanges('obtained', 'expired', 'obtained');
  assert.equal(failure(), undefined);
});

test('an SVID that has expired on receipt is none', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT, { notAfter: Date.now() - 1_000 });
  const { seen, failure } = watch(t, { socket: spire.socket });
  await seen.whenLogged('no X.509-SVID');
  assert.equal(failure(), 'IdentityExpired');
  assert.deepEqual(seen.changes, []);
});

test('the private key shows neither in logs nor in JSON nor in an inspection', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  const identity = source.current();
  const secret = identity.keyPem.split('\n')[1] ?? '';
  for (const shown of [
    JSON.stringify(identity),
    inspect(identity, { depth: 9, showHidden: true }),
    inspect(source, { depth: 9 }),
    JSON.stringify(seen.lines),
  ]) {
    assert.ok(!shown.includes(secret) && !shown.includes('PRIVATE KEY'));
  }
});
