import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { PeerError } from '../../agent/spiffe/error.ts';
import { peerErrorOf, tlsOptions } from '../../agent/spiffe/tls.ts';
import { Ca, type IssueOptions, type Issued } from '../devcluster/pki.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import { SCOUT, startSpire, watch } from './harness.ts';
import { agentIdentity, meet, SAFE, SAFE_PATTERN, startPeer } from './tls-peer.ts';

let root: Ca;

before(async () => {
  root = await Ca.create('vsecm.com');
});

test('Safe is met, and gets the agent’s certificate', async (t) => {
  const peer = await startPeer(t, await root.issue({ id: SAFE }));
  const identity = await agentIdentity(root);
  assert.equal(await meet(identity, peer), 'ok');
  assert.deepEqual(peer.seen, [identity.serialNumber]);
});

test('a chain through an intermediate is followed, on both sides', async (t) => {
  const below = await Ca.create('vsecm.com', { parent: root });
  const peer = await startPeer(t, await below.issue({ id: SAFE }), {
    ca: root.certPem,
    rejectUnauthorized: true,
  });
  assert.equal(await meet(await agentIdentity(below, [root]), peer), 'ok');
});

test('an anchor that is not self-signed is an anchor', async (t) => {
  const below = await Ca.create('vsecm.com', { parent: root });
  const peer = await startPeer(t, await below.issue({ id: SAFE }));
  const identity = await agentIdentity(below);
  assert.deepEqual(identity.bundle.pem, [below.certPem]);
  assert.equal(await meet(identity, peer), 'ok');
});

test('roots of a rotation, one of them expired, do not disturb each other', async (t) => {
  const expired = await Ca.create('vsecm.com', { ttlMs: 5_000 });
  const next = await Ca.create('vsecm.com');
  for (const signer of [root, next]) {
    const peer = await startPeer(t, await signer.issue({ id: SAFE }));
    assert.equal(await meet(await agentIdentity(root, [expired, next]), peer), 'ok');
  }
});

/** Peers that chain up to the bundle and are not Safe, with the answer to each. */
const WRONG: Record<string, [IssueOptions, string]> = {
  'another workload': [
    { id: SAFE.replaceAll('vsecm-safe', 'vsecm-keystone') },
    `SPIFFE ID differs | ${SAFE.replaceAll('vsecm-safe', 'vsecm-keystone')}`,
  ],
  'Safe’s ID and more after it': [{ id: `${SAFE}/x` }, `SPIFFE ID differs | ${SAFE}/x`],
  'Safe’s ID of another trust domain': [
    { id: SAFE.replace('vsecm.com', 'example.org') },
    `trust domain differs | ${SAFE.replace('vsecm.com', 'example.org')}`,
  ],
  'a trust domain that fits the dot of the pattern': [
    { id: SAFE.replace('vsecm.com', 'vsecm-com') },
    `trust domain differs | ${SAFE.replace('vsecm.com', 'vsecm-com')}`,
  ],
  'the trust domain in capitals': [
    { id: SAFE.replace('vsecm.com', 'VSECM.COM') },
    'trust domain of the SPIFFE ID is empty, too long or has other characters than a-z 0-9 . - _',
  ],
  'no URI SAN': [
    {
      sans: [
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ],
    },
    'leaf certificate has no URI SAN',
  ],
  'no SAN at all': [{ sans: [] }, 'leaf certificate has no URI SAN'],
  'two URI SANs, Safe’s first': [
    {
      sans: [
        { type: 'url', value: SAFE },
        { type: 'url', value: SCOUT },
      ],
    },
    'leaf certificate has more than one URI SAN',
  ],
  'two URI SANs, both Safe’s': [
    {
      sans: [
        { type: 'url', value: SAFE },
        { type: 'url', value: SAFE },
      ],
    },
    'leaf certificate has more than one URI SAN',
  ],
  'a URI that holds Safe’s as text': [
    { sans: [{ type: 'url', value: `https://x, URI:${SAFE}` }] },
    'SPIFFE ID does not begin with spiffe://',
  ],
  'Safe’s ID in a DNS name': [{ sans: [{ type: 'dns', value: SAFE }] }, 'leaf certificate has no URI SAN'],
  'a leaf with keyCertSign': [
    { id: SAFE, keyUsage: ['digitalSignature', 'keyCertSign'] },
    'leaf certificate has key usage keyCertSign',
  ],
  'a leaf with cRLSign': [
    { id: SAFE, keyUsage: ['digitalSignature', 'cRLSign'] },
    'leaf certificate has key usage cRLSign',
  ],
  'a leaf that is a CA': [
    { id: SAFE, isCa: true, keyUsage: ['digitalSignature', 'keyCertSign'] },
    'leaf certificate is a CA',
  ],
  'a leaf that is a CA without keyCertSign': [{ id: SAFE, isCa: true }, 'leaf certificate is a CA'],
  'a leaf without key usages': [
    { id: SAFE, keyUsage: [] },
    'leaf certificate lacks key usage digitalSignature',
  ],
};

for (const [what, [issue, answer]] of Object.entries(WRONG)) {
  test(`a trusted peer with ${what} is SafeWrongIdentity and sees no certificate of the agent`, async (t) => {
    const peer = await startPeer(t, await root.issue(issue));
    assert.equal(await meet(await agentIdentity(root), peer), `SafeWrongIdentity | ${answer}`);
    assert.deepEqual(peer.seen, []);
  });
}

test('a pattern without anchors, or with alternatives, must still match from end to end', async (t) => {
  const identity = await agentIdentity(root);
  const cases: [RegExp, string, boolean][] = [
    [/spiffe:\/\/vsecm\.com\/workload\/vsecm-safe/, SAFE, false],
    [/spiffe:\/\/vsecm\.com\/workload\/vsecm-safe.*/, SAFE, true],
    [/^spiffe:\/\/vsecm\.com\/a$|vsecm-safe/, SAFE, false],
    [/spiffe:\/\/vsecm\.com\/a|spiffe:\/\/vsecm\.com\/ab/g, 'spiffe://vsecm.com/ab', true],
  ];
  for (const [pattern, id, fits] of cases) {
    const peer = await startPeer(t, await root.issue({ id }));
    assert.equal(
      await meet(identity, peer, pattern),
      fits ? 'ok' : `SafeWrongIdentity | SPIFFE ID differs | ${id}`,
      String(pattern),
    );
  }
});

test('a CA of a federated trust domain that mints Safe’s ID is SafeNotTrusted', async (t) => {
  const federated = await DevAuthority.create({ trustDomain: 'example.org' });
  t.after(() => federated.close());
  const spire = await startSpire(t, { federated: [federated] });
  await spire.register(SCOUT);
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  assert.deepEqual(Object.keys(spire.message().federatedBundles), ['spiffe://example.org']);

  const impostor = await startPeer(t, await federated.ca.issue({ id: SAFE }));
  assert.match(await meet(source.current(), impostor), /^SafeNotTrusted \| UNABLE_TO_/);
  assert.deepEqual(impostor.seen, []);
  assert.equal(await meet(source.current(), await startPeer(t, await spire.ca.issue({ id: SAFE }))), 'ok');
});

/** Peers with Safe's ID whose chain does not verify, with Node's code for each. */
const UNTRUSTED: Record<string, [() => Promise<Issued>, string]> = {
  'an SVID that has expired': [
    () => root.issue({ id: SAFE, notAfter: Date.now() - 1_000 }),
    'CERT_HAS_EXPIRED',
  ],
  'an SVID of tomorrow': [
    () => root.issue({ id: SAFE, notBefore: Date.now() + 60_000 }),
    'CERT_NOT_YET_VALID',
  ],
  'an SVID for clients only': [
    () => root.issue({ id: SAFE, extendedKeyUsage: ['clientAuth'] }),
    'INVALID_PURPOSE',
  ],
  'a root of its own in the chain': [
    async () => {
      const rogue = await Ca.create('vsecm.com');
      const issued = await rogue.issue({ id: SAFE });
      return { ...issued, chainPem: issued.certPem + rogue.certPem };
    },
    'SELF_SIGNED_CERT_IN_CHAIN',
  ],
  'an intermediate left out': [
    async () => {
      const issued = await (await Ca.create('vsecm.com', { parent: root })).issue({ id: SAFE });
      return { ...issued, chainPem: issued.certPem };
    },
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ],
  'an SVID signed by an SVID': [() => signedByLeaf({}), 'UNSPECIFIED'],
  'an SVID signed by a leaf that may sign but is no CA': [
    () => signedByLeaf({ keyUsage: ['digitalSignature', 'keyCertSign'] }),
    'INVALID_PURPOSE',
  ],
};

async function signedByLeaf(options: IssueOptions): Promise<Issued> {
  const workload = await root.issue({ id: SCOUT, ...options });
  const issued = await (await Ca.fromLeaf('vsecm.com', workload)).issue({ id: SAFE });
  return { ...issued, chainPem: issued.certPem + workload.certPem };
}

for (const [what, [issue, code]] of Object.entries(UNTRUSTED)) {
  test(`a peer with ${what} is SafeNotTrusted and sees no certificate of the agent`, async (t) => {
    const peer = await startPeer(t, await issue());
    assert.equal(await meet(await agentIdentity(root), peer), `SafeNotTrusted | ${code}`);
    assert.deepEqual(peer.seen, []);
  });
}

test('a server that speaks only TLS 1.2 gets no certificate, though it is Safe', async (t) => {
  const peer = await startPeer(t, await root.issue({ id: SAFE }), { maxVersion: 'TLSv1.2' });
  assert.match(await meet(await agentIdentity(root), peer), /^other ERR_SSL_/);
  assert.deepEqual(peer.seen, []);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not open the door', async (t) => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  const identity = await agentIdentity(root);
  assert.match(
    await meet(identity, await startPeer(t, await (await Ca.create('vsecm.com')).issue({ id: SAFE }))),
    /^SafeNotTrusted/,
  );
  assert.match(
    await meet(identity, await startPeer(t, await root.issue({ id: SCOUT }))),
    /^SafeWrongIdentity/,
  );
});

test('Node’s default trust store plays no part', async () => {
  const options = tlsOptions(await agentIdentity(root), {
    trustDomain: 'vsecm.com',
    idPattern: SAFE_PATTERN,
  });
  assert.deepEqual(options?.ca, [root.certPem]);
});

test('a peer’s refusal is found below the errors that a client wraps around it, and other failures are none', () => {
  const refusal = new PeerError('SafeWrongIdentity', 'SPIFFE ID differs', SAFE);
  assert.equal(peerErrorOf(new TypeError('fetch failed', { cause: refusal })), refusal);
  const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' });
  assert.equal(peerErrorOf(new Error('outer', { cause: expired }))?.code, 'SafeNotTrusted');
  for (const other of [
    undefined,
    'text',
    new Error('x'),
    Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
  ]) {
    assert.equal(peerErrorOf(other), undefined);
  }
});
