import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from '../devcluster/spire/gen/workload_pb.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import type { DevSpire } from '../devcluster/spire.ts';
import { KEYSTONE, SCOUT, startSpire, watch } from './harness.ts';

/** The first message of a new stream, or the code it ends with. */
async function ask(
  spire: DevSpire,
  headers: Record<string, string> = { 'workload.spiffe.io': 'true' },
): Promise<X509SVIDResponse | string> {
  const transport = createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { createConnection: () => connect(spire.socket.slice('unix://'.length)) },
  });
  const stopping = new AbortController();
  try {
    for await (const message of createClient(SpiffeWorkloadAPI, transport).fetchX509SVID(
      {},
      { headers, signal: stopping.signal },
    ))
      return message;
    return 'end of stream';
  } catch (error) {
    return Code[ConnectError.from(error).code];
  } finally {
    stopping.abort();
  }
}

test('a request without the security header is InvalidArgument, one without an entry PermissionDenied', async (t) => {
  const spire = await startSpire(t);
  assert.equal(await ask(spire, {}), 'InvalidArgument');
  assert.equal(await ask(spire, { 'workload.spiffe.io': 'false' }), 'InvalidArgument');
  assert.equal(await ask(spire), 'PermissionDenied');
  await spire.register(SCOUT);
  assert.equal(await ask(spire, {}), 'InvalidArgument');
});

test('of two SVIDs with the same hint one is dropped', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT, { hint: 'internal' });
  await spire.register(KEYSTONE, { hint: 'internal' });
  await spire.register(`${KEYSTONE}-2`);
  await spire.register(`${KEYSTONE}-3`);
  const message = await ask(spire);
  assert.ok(typeof message === 'object');
  assert.equal(message.svids.length, 3);
  assert.equal(message.svids.filter(({ hint }) => hint === 'internal').length, 1);
});

test('SVIDs are backdated by ten seconds, renewed at half of their life, and never outlive the CA', async (t) => {
  const authority = await DevAuthority.create({ caTtlMs: 120_000 });
  const spire = await startSpire(t, { authority });
  t.after(() => authority.close());
  const long = await spire.register(KEYSTONE);
  assert.equal(long.notAfter, authority.ca.notAfter);

  const begun = Date.now();
  const short = await spire.register(SCOUT, { ttlMs: 12_000 });
  assert.ok(Math.abs(short.notBefore - (begun - 10_000)) <= 1_000);
  const { seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained', 'rotated');
  assert.ok(Date.now() < short.notAfter);
});

test('while the server is down nothing is renewed, and a new stream delivers what there is', async (t) => {
  const spire = await startSpire(t);
  spire.serverDown = true;
  await spire.register(SCOUT, { notAfter: Date.now() - 5_000 });
  const message = await ask(spire);
  assert.ok(typeof message === 'object');
  assert.equal(message.svids.length, 1);
});

test('the next root is in the bundle at half of the life of the first, and signs from 5/6 on', async (t) => {
  const authority = await DevAuthority.create({ caTtlMs: 14_000 });
  t.after(() => authority.close());
  const [first] = authority.roots;
  await new Promise<void>((resolve) => authority.onBundle(resolve));
  assert.equal(authority.roots.length, 2);
  assert.equal(authority.ca, first);
  authority.activate();
  assert.equal(authority.ca, authority.roots[1]);
  assert.equal(authority.roots[0], first);
});

test('after a restart the socket is there again with the same SVIDs', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const before = await ask(spire);
  await spire.stop();
  assert.equal(await ask(spire), 'Internal');
  await spire.restart();
  assert.deepEqual(await ask(spire), before);
});
