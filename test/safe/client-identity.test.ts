import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { TrustBundle } from '../../agent/spiffe/trust-bundle.ts';
import { DevSafe } from '../devcluster/safe.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import { SafeError } from '../../agent/safe/error.ts';
import { bench, clientFor, failure, HandIdentity, SCOUT } from './harness.ts';

const SAFE = 'spiffe://vsecm.com/workload/vsecm-safe/ns/vsecm-system/sa/vsecm-safe/n/vsecm-safe-0';

test('rotation while reading all the time loses no read and never shows an old certificate', async (t) => {
  const { safe, identity, client } = await bench(t);
  for (const name of ['raw:one', 'raw:two']) await safe.register({ name, value: 'v' });
  const valid = new Map([[identity.current().serialNumber, identity.current().notAfter]]);
  const enough = new AbortController();
  let reads = 0;
  const readers = Array.from({ length: 4 }, async () => {
    while (!enough.signal.aborted) {
      assert.equal((await client.read(safe.dial)).answer.kind, 'named');
      reads += 1;
    }
  });
  for (let turn = 0; turn < 30; turn++) {
    await safe.whenRead(safe.reads.length + 3);
    if (turn % 10 === 5) await safe.authority.prepare().then(() => safe.authority.activate());
    if (turn % 10 === 7) await safe.renew();
    const { serialNumber, notAfter } = await identity.rotate({ ttlMs: 60_000 });
    valid.set(serialNumber, notAfter);
  }
  enough.abort();
  await Promise.all(readers);
  assert.ok(reads >= 90);
  assert.equal(safe.refused.length, 0);
  assert.ok(
    new Set(safe.reads.map(({ serialNumber }) => serialNumber)).size > 20,
    'each rotation was seen by Safe',
  );
});

test('a read that waits while the identity rotates is answered on its old connection', async (t) => {
  const { safe, identity, client } = await bench(t);
  await safe.register({ name: 'raw:one', value: 'v' });
  const answered = Promise.withResolvers<() => void>();
  safe.fault = (response, body) => answered.resolve(() => response.end(body));
  const read = client.read(safe.dial);
  const answer = await answered.promise;
  await identity.rotate();
  answer();
  assert.equal((await read).answer.kind, 'unnamed');
  assert.equal(safe.reads.length, 1);
});

test('a connection is ended when its own certificate expires, and the read goes on with the next one', async (t) => {
  const { safe, identity, client } = await bench(t);
  await safe.register({ name: 'raw:one', value: 'v' });
  await identity.rotate({ notAfter: Math.ceil(Date.now() / 1000) * 1000 + 1000 });
  safe.fault = faults.hang();
  const read = client.read(safe.dial);
  await safe.whenRead(1);
  const { notAfter } = identity.current();
  await identity.rotate();
  safe.fault = undefined;
  assert.equal((await read).answer.kind, 'unnamed');
  assert.equal(new Set(safe.reads.map(({ serialNumber }) => serialNumber)).size, 2);
  assert.ok((safe.reads[1]?.at ?? 0) >= notAfter - 2);
});

for (const [change, code] of [
  ['withdrawn', 'NoIdentity'],
  ['expired', 'IdentityExpired'],
] as const) {
  test(`an identity that is ${change} ends what is under way, and no request leaves until there is one`, async (t) => {
    const { safe, identity, client } = await bench(t);
    await safe.register({ name: 'raw:one', value: 'v' });
    safe.fault = faults.hang();
    const reads = [failure(client.read(safe.dial)), failure(client.read(safe.dial))];
    await safe.whenRead(2);
    identity.lose(change);
    for (const outcome of await Promise.all(reads)) assert.equal(outcome.code, code);
    assert.equal(await safe.connections(), 0);
    safe.fault = undefined;
    for (let i = 0; i < 20; i++) assert.equal((await failure(client.read(safe.dial))).code, code);
    assert.equal(safe.requests.filter(({ method }) => method === 'GET').length, 2);
    assert.equal(await safe.connections(), 0);
    await identity.rotate();
    assert.equal((await client.read(safe.dial)).answer.kind, 'unnamed');
  });
}

test('an identity that is withdrawn during the handshake reaches nobody', async (t) => {
  const { safe, identity, client } = await bench(t);
  const read = failure(client.read(safe.dial));
  identity.lose('withdrawn');
  assert.equal((await read).code, 'NoIdentity');
  assert.equal(await safe.connections(), 0);
  assert.equal(safe.requests.length, 0);
});

test('an identity that has run out without a word is not shown', async (t) => {
  const { safe, identity } = await bench(t);
  const held = identity.current();
  const late = { ...systemClock, wall: () => held.notAfter };
  const { client } = clientFor(identity, { clock: late });
  assert.equal((await failure(client.read(safe.dial))).code, 'IdentityExpired');
  assert.equal(safe.requests.length + safe.refused.length, 0);
});

test("the source's own code and cause pass through, and nothing counts as sent", async (t) => {
  const safe = await DevSafe.start();
  t.after(() => safe.close());
  const { client, metrics } = clientFor(new HandIdentity(safe.authority));
  const error = await client.read(safe.dial).catch((thrown: unknown) => thrown);
  assert.deepEqual(await failure(Promise.reject(error)), { code: 'NoIdentity', cause: 'PermissionDenied' });
  assert.equal((error as { unsent: boolean }).unsent, true);
  assert.equal((await metrics.safeRequests.get()).values.length, 0);
});

test('a Safe of another trust root is SafeNotTrusted and learns nothing', async (t) => {
  const signedBy = await DevAuthority.create();
  t.after(() => signedBy.close());
  const { safe, client } = await bench(t, { safe: { signedBy } });
  const outcome = await failure(client.read(safe.dial));
  assert.equal(outcome.code, 'SafeNotTrusted');
  assert.match(outcome.cause ?? '', /^[A-Z_]+$/);
  assert.equal(safe.requests.length, 0);
});

test('a Safe whose own SVID has expired is SafeNotTrusted', async (t) => {
  const { safe, client } = await bench(t, { safe: { svid: { id: SAFE, notAfter: Date.now() - 2000 } } });
  assert.deepEqual(await failure(client.read(safe.dial)), {
    code: 'SafeNotTrusted',
    cause: 'CERT_HAS_EXPIRED',
  });
});

test('a trusted peer that is not Safe is SafeWrongIdentity, with its ID', async (t) => {
  const id = 'spiffe://vsecm.com/workload/vsecm-keystone/ns/vsecm-system/sa/vsecm-keystone/n/x';
  const { safe, client } = await bench(t, { safe: { svid: { id } } });
  const error = await client.read(safe.dial).catch((thrown: unknown) => thrown);
  assert.equal((await failure(Promise.reject(error))).code, 'SafeWrongIdentity');
  assert.equal((error as { peerSpiffeId: string }).peerSpiffeId, id);
  assert.equal(safe.requests.length, 0);
});

test('Safe refusing our identity is SafeRejectedIdentity, not a Safe that went away', async (t) => {
  const { safe, identity, client } = await bench(t);
  await identity.rotate({ id: 'spiffe://vsecm.com/something/else' });
  assert.equal((await failure(client.read(safe.dial))).code, 'SafeRejectedIdentity');
  assert.deepEqual([safe.requests.length, safe.refused], [0, ['spiffe://vsecm.com/something/else']]);
});

test('Safe not trusting our root is SafeRejectedIdentity', async (t) => {
  const { safe } = await bench(t);
  const foreign = await DevAuthority.create();
  t.after(() => foreign.close());
  const identity = new HandIdentity(foreign);
  const held = await identity.rotate({ id: SCOUT });
  // It trusts Safe; Safe does not trust it.
  const bundle = new TrustBundle(safe.authority.bundleDer);
  const { client } = clientFor({ current: () => ({ ...held, bundle }), onChange: () => () => {} });
  assert.equal((await failure(client.read(safe.dial))).code, 'SafeRejectedIdentity');
  assert.equal(safe.requests.length, 0);
});

/** The dates that come with a failed read, in seconds from now, and its code. */
async function datesOf(read: Promise<unknown>) {
  const error = await read.then(
    () => assert.fail('the read went well'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SafeError);
  const { dates } = error;
  const fromNow = (ms: number) => Math.round((ms - Date.now()) / 10_000) * 10 || 0;
  return [error.code, ...(dates ? [dates.notBefore, dates.notAfter, dates.clock].map(fromNow) : [])];
}

for (const [what, from, to] of [
  ['is not valid yet', 60_000, 3_600_000],
  ['has expired', -3_600_000, -30_000],
] as const) {
  const dates = () => ({ notBefore: Date.now() + from, notAfter: Date.now() + to });

  test(`a Safe whose certificate ${what} by this clock is told with both times`, async (t) => {
    const authority = await DevAuthority.create();
    t.after(() => authority.close());
    const { safe, client } = await bench(t, { safe: { authority, svid: { id: SAFE, ...dates() } } });
    assert.deepEqual(await datesOf(client.read(safe.dial)), ['SafeNotTrusted', from / 1000, to / 1000, 0]);
  });
}

test('a Safe that refuses the SVID by its own clock is told with the SVID’s dates and this clock', async (t) => {
  const { safe, identity, client } = await bench(t);
  await identity.rotate({ notBefore: Date.now() + 60_000, notAfter: Date.now() + 3_600_000 });
  assert.deepEqual(await datesOf(client.read(safe.dial)), ['SafeRejectedIdentity', 60, 3_600, 0]);
});
