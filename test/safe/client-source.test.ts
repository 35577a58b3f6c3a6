import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { DevSafe } from '../devcluster/safe.ts';
import { DevSpire } from '../devcluster/spire.ts';
import { clientFor, failure, SCOUT, sourceOf } from './harness.ts';

/** SPIRE, Safe, the agent's real identity source, and a client; `changed` resolves at the next change. */
async function chain(t: TestContext) {
  const spire = await DevSpire.start();
  const safe = await DevSafe.start({ authority: spire.authority });
  for (const name of ['raw:one', 'raw:two']) await safe.register({ name, value: 'v' });
  await spire.register(SCOUT);
  const { source, changed } = sourceOf(spire.socket, { backoff: { firstMs: 20, maxMs: 20 } });
  const { client } = clientFor(source);
  const stop = new AbortController();
  const obtained = changed();
  const running = source.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    await client.close();
    await safe.close();
    await spire.close();
  });
  assert.equal(await obtained, 'obtained');
  return { spire, safe, source, client, changed };
}

test('rotation of SVIDs and roots while reading all the time loses no read', async (t) => {
  const { spire, safe, client, changed } = await chain(t);
  const enough = new AbortController();
  let reads = 0;
  const readers = Array.from({ length: 3 }, async () => {
    while (!enough.signal.aborted) {
      assert.equal((await client.read(safe.dial)).answer.kind, 'named');
      reads += 1;
    }
  });
  for (let turn = 0; turn < 12; turn++) {
    await safe.whenRead(safe.reads.length + 3);
    const rotated = changed();
    if (turn === 6) await spire.rotateCa();
    else await spire.renew(SCOUT);
    assert.equal(await rotated, 'rotated');
  }
  enough.abort();
  await Promise.all(readers);
  assert.ok(reads >= 36);
  assert.deepEqual(safe.refused, []);
  assert.ok(new Set(safe.reads.map(({ serialNumber }) => serialNumber)).size >= 12);
});

test('after SPIRE takes the identity away no request leaves, until it gives one again', async (t) => {
  const { spire, safe, client, changed } = await chain(t);
  await client.read(safe.dial);
  const withdrawn = changed();
  spire.remove(SCOUT);
  assert.equal(await withdrawn, 'withdrawn');
  const before = safe.requests.length;
  for (let i = 0; i < 10; i++) assert.equal((await failure(client.read(safe.dial))).code, 'NoIdentity');
  assert.equal(await safe.connections(), 0);
  assert.equal(safe.requests.length, before);
  const obtained = changed();
  await spire.register(SCOUT);
  assert.equal(await obtained, 'obtained');
  assert.equal((await client.read(safe.dial)).answer.kind, 'named');
});

test('an SVID that expires while SPIRE is silent is never shown', async (t) => {
  const { spire, safe, client, changed } = await chain(t);
  spire.serverDown = true;
  const rotated = changed();
  await spire.register(SCOUT, { notAfter: Math.ceil(Date.now() / 1000) * 1000 + 1000 });
  assert.equal(await rotated, 'rotated');
  const expired = changed();
  await client.read(safe.dial);
  assert.equal(await expired, 'expired');
  const before = safe.requests.length;
  assert.equal((await failure(client.read(safe.dial))).code, 'IdentityExpired');
  assert.deepEqual([safe.requests.length, safe.refused], [before, []]);
});
