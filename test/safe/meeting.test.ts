import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import type { DeclaredSafe } from '../../agent/safe/declared-safe.ts';
import { meet } from '../../agent/safe/meeting.ts';
import { Reach } from '../../agent/reach.ts';
import { peerErrorOf, tlsOptions } from '../../agent/spiffe/tls.ts';
import { DevSafe, type DevSafeOptions } from '../devcluster/safe.ts';
import { componentId } from '../devcluster/safe/identities.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import { HandIdentity, safeLike } from './harness.ts';

const SAFE = componentId('vsecm.com', 'vsecm-safe');

async function setUp(t: TestContext, options: DevSafeOptions = {}) {
  const authority = await DevAuthority.create();
  t.after(() => authority.close());
  const safe = await DevSafe.start({ authority, ...options });
  t.after(() => safe.close());
  const identity = new HandIdentity(authority);
  await identity.rotate();
  const tls = { options: tlsOptions, peerErrorOf };
  const common = { identity, tls, reach: new Reach({ clock: systemClock }), clock: systemClock };
  const told = async (change: Partial<DeclaredSafe> = {}) => {
    const { phase, peerSpiffeId, failure } = await meet(safeLike(safe.dial, change), common);
    return [phase, peerSpiffeId, failure?.code, failure?.cause];
  };
  return { authority, safe, identity, told };
}

test('a Safe that is met is asked nothing, and no connection is left', async (t) => {
  const { safe, told, identity } = await setUp(t);
  assert.deepEqual(await told(), ['waiting', SAFE, undefined, undefined]);
  assert.equal(safe.requests.length, 0);
  assert.equal(await safe.connections(), 0);
  assert.equal(identity.listeners, 0);
});

test('somebody else in its place is named', async (t) => {
  const id = componentId('vsecm.com', 'vsecm-sentinel');
  const { told } = await setUp(t, { svid: { id } });
  assert.deepEqual(await told(), ['handshake', id, 'SafeWrongIdentity', 'SPIFFE ID differs']);
});

test('a Safe that refuses this agent is told apart from one that accepts it', async (t) => {
  const { told, identity } = await setUp(t);
  await identity.rotate({ id: 'spiffe://vsecm.com/something/else' });
  const [phase, peer, code] = await told();
  assert.deepEqual([phase, peer, code], ['waiting', SAFE, 'SafeRejectedIdentity']);
});

test('without a bundle, or without an identity, nothing is tried', async (t) => {
  const { told, identity } = await setUp(t);
  assert.deepEqual(await told({ trustDomain: 'b.example' }), [
    undefined,
    undefined,
    'TrustDomainNotFederated',
    undefined,
  ]);
  identity.lose('withdrawn');
  assert.deepEqual(await told(), [undefined, undefined, 'NoIdentity', undefined]);
});

test('nobody there, no such name, a peer that says nothing: how far it came, and why no further', async (t) => {
  const { safe, told } = await setUp(t);
  await safe.stop();
  assert.deepEqual(await told(), ['connecting', undefined, 'SafeUnreachable', 'ECONNREFUSED']);
  await safe.start();
  const mute = createServer((socket) => socket.on('error', () => {}));
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const dial = `https://127.0.0.1:${(mute.address() as AddressInfo).port}/`;
  assert.deepEqual(await told({ dial, timeoutMs: 200 }), [
    'handshake',
    undefined,
    'SafeTimeout',
    'TIMEOUT_HANDSHAKE',
  ]);
});

test('a withdrawn identity ends a meeting that is under way', async (t) => {
  const { identity, told } = await setUp(t);
  const mute = createServer((socket) => {
    socket.on('error', () => {});
    identity.lose('withdrawn');
  });
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const [, , code] = await told({ dial: `https://127.0.0.1:${(mute.address() as AddressInfo).port}/` });
  assert.equal(code, 'NoIdentity');
});
