import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, test, type TestContext } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import type { DeclaredSafe } from '../../agent/safe/declared-safe.ts';
import { parseFederatedBundles } from '../../agent/spiffe/trust-bundle.ts';
import { Ca, type Issued, type IssueOptions } from '../devcluster/pki.ts';
import { clientFor, failure, safeLike, SAFE_ID } from './harness.ts';
import { agentIdentity } from '../spiffe/tls-peer.ts';

const [HOME, FOREIGN, THIRD] = ['vsecm.com', 'b.example', 'c.example'];
const idOf = (trustDomain: string): string =>
  `spiffe://${trustDomain}/workload/vsecm-safe/ns/vsecm-system/sa/vsecm-safe/n/vsecm-safe-0`;
const patternOf = (trustDomain: string): RegExp =>
  new RegExp(`^${idOf(trustDomain).replaceAll('.', '\\.').replace(/-0$/, '-[0-9]+')}$`);

let home: Ca;
let foreign: Ca;
let third: Ca;
before(async () => {
  [home, foreign, third] = await Promise.all([Ca.create(HOME), Ca.create(FOREIGN), Ca.create(THIRD)]);
});

/** A TLS server that would take any request, and what reached it. */
interface Impostor {
  dial: string;
  /** Client certificates and bytes of requests that it got to see. */
  certificates: string[];
  bytes: number;
}

async function impostor(t: TestContext, { chainPem, keyPem }: Issued): Promise<Impostor> {
  const seen: Impostor = { dial: '', certificates: [], bytes: 0 };
  const options = { cert: chainPem, key: keyPem, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (socket: TLSSocket) => {
    const { serialNumber } = socket.getPeerCertificate();
    if (serialNumber !== undefined) seen.certificates.push(serialNumber);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      seen.bytes += data.length;
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  seen.dial = `https://127.0.0.1:${(server.address() as AddressInfo).port}/workload/v1/secrets`;
  return seen;
}

/** What becomes of one read of `peer` by an agent of the home trust domain with these federated bundles. */
async function ask(
  peer: Impostor,
  declared: Partial<DeclaredSafe>,
  federated: Record<string, Uint8Array>,
): Promise<string> {
  const own = await agentIdentity(home);
  const { bundles } = parseFederatedBundles(federated, HOME);
  const identity = { ...own, keyPem: own.keyPem, federated: bundles };
  const { client } = clientFor(
    { current: () => identity, onChange: () => () => {} },
    { safes: { at: (dial) => safeLike(dial, declared) } },
  );
  const { code, cause } = await failure(client.read(peer.dial));
  return cause === undefined ? code : `${code} ${cause}`;
}

const FOREIGN_SAFE: Partial<DeclaredSafe> = { trustDomain: FOREIGN, idPattern: patternOf(FOREIGN) };
const HOME_SAFE: Partial<DeclaredSafe> = { trustDomain: HOME, idPattern: SAFE_ID };
const all = (): Record<string, Uint8Array> => ({
  [`spiffe://${FOREIGN}`]: foreign.certDer,
  [`spiffe://${THIRD}`]: third.certDer,
});

test('the Safe of another trust domain is met if it is the one that was declared', async (t) => {
  const peer = await impostor(t, await foreign.issue({ id: idOf(FOREIGN) }));
  assert.equal(await ask(peer, FOREIGN_SAFE, all()), 'SafeHasNoSecrets');
  assert.equal(peer.certificates.length, 1);
  assert.ok(peer.bytes > 0);
});

const NOT_TRUSTED = /^SafeNotTrusted (UNABLE_TO_|SELF_SIGNED_)/;
const differs = (what: string): RegExp => new RegExp(`^SafeWrongIdentity ${what} differs$`);
const noId = /^SafeWrongIdentity trust domain of the SPIFFE ID is empty/;

/** Who answers, as what, in whose place. */
const WRONG: [string, () => Ca, IssueOptions, Partial<DeclaredSafe>, RegExp][] = [
  ['the home CA for the foreign ID', () => home, { id: idOf(FOREIGN) }, FOREIGN_SAFE, NOT_TRUSTED],
  [
    'the home CA for its own ID, in the foreign Safe’s place',
    () => home,
    { id: idOf(HOME) },
    FOREIGN_SAFE,
    NOT_TRUSTED,
  ],
  ['the foreign CA for the home ID', () => foreign, { id: idOf(HOME) }, HOME_SAFE, NOT_TRUSTED],
  [
    'the foreign CA for its own ID, in the home Safe’s place',
    () => foreign,
    { id: idOf(FOREIGN) },
    HOME_SAFE,
    NOT_TRUSTED,
  ],
  [
    'the foreign CA for the home ID, in its own Safe’s place',
    () => foreign,
    { id: idOf(HOME) },
    FOREIGN_SAFE,
    differs('trust domain'),
  ],
  ['a third federated CA for the foreign ID', () => third, { id: idOf(FOREIGN) }, FOREIGN_SAFE, NOT_TRUSTED],
  ['a third federated CA for the home ID', () => third, { id: idOf(HOME) }, HOME_SAFE, NOT_TRUSTED],
  [
    'the right CA for another workload',
    () => foreign,
    { id: idOf(FOREIGN).replace('workload/vsecm-safe', 'workload/vsecm-sentinel') },
    FOREIGN_SAFE,
    differs('SPIFFE ID'),
  ],
  [
    'the right CA for a longer ID',
    () => foreign,
    { id: `${idOf(FOREIGN)}/x` },
    FOREIGN_SAFE,
    differs('SPIFFE ID'),
  ],
  [
    'the right CA for another namespace',
    () => foreign,
    { id: idOf(FOREIGN).replace('ns/vsecm-system', 'ns/shop') },
    FOREIGN_SAFE,
    differs('SPIFFE ID'),
  ],
  ['a trust domain in capitals', () => foreign, { id: idOf('B.example') }, FOREIGN_SAFE, noId],
  [
    'a trust domain with the other one as suffix',
    () => foreign,
    { id: idOf('evil.b.example') },
    FOREIGN_SAFE,
    differs('trust domain'),
  ],
  [
    'a trust domain with the other one as prefix',
    () => foreign,
    { id: idOf('b.example.evil') },
    FOREIGN_SAFE,
    differs('trust domain'),
  ],
  [
    'a trust domain that fits the dot of a pattern',
    () => foreign,
    { id: idOf('b-example') },
    { ...FOREIGN_SAFE, idPattern: /^spiffe:..b.example.workload.*$/ },
    differs('trust domain'),
  ],
  [
    'a trust domain with a dot at its end',
    () => foreign,
    { id: idOf('b.example.') },
    FOREIGN_SAFE,
    differs('trust domain'),
  ],
  ['a trust domain in percent', () => foreign, { id: idOf('b%2eexample') }, FOREIGN_SAFE, noId],
  ['a trust domain with a port', () => foreign, { id: idOf('b.example:443') }, FOREIGN_SAFE, noId],
  ['a trust domain with a user', () => foreign, { id: idOf('x@b.example') }, FOREIGN_SAFE, noId],
  [
    'an SVID of the right Safe that has expired',
    () => foreign,
    { id: idOf(FOREIGN), notAfter: Date.now() - 1_000 },
    FOREIGN_SAFE,
    /^SafeNotTrusted CERT_HAS_EXPIRED$/,
  ],
];

for (const [what, ca, issue, declared, outcome] of WRONG) {
  test(`${what}: refused before it has seen a certificate or a byte of the request`, async (t) => {
    const peer = await impostor(t, await ca().issue(issue));
    assert.match(await ask(peer, declared, all()), outcome);
    assert.deepEqual([peer.certificates, peer.bytes], [[], 0]);
  });
}

/** Messages whose bundle for the foreign trust domain is not one, or not its own. */
const BUNDLES: [string, () => Record<string, Uint8Array> | Promise<Record<string, Uint8Array>>, RegExp][] = [
  ['no bundle at all', () => ({}), /^TrustDomainNotFederated$/],
  [
    'a bundle of another trust domain only',
    () => ({ [`spiffe://${THIRD}`]: third.certDer }),
    /^TrustDomainNotFederated$/,
  ],
  [
    'an empty bundle',
    () => ({ ...all(), [`spiffe://${FOREIGN}`]: new Uint8Array() }),
    /^TrustDomainNotFederated$/,
  ],
  [
    'a bundle that does not parse',
    () => ({ ...all(), [`spiffe://${FOREIGN}`]: Buffer.from('nonsense') }),
    /^TrustDomainNotFederated$/,
  ],
  [
    'a bundle that is cut off',
    () => ({ ...all(), [`spiffe://${FOREIGN}`]: foreign.certDer.subarray(0, -5) }),
    /^TrustDomainNotFederated$/,
  ],
  ['the home CA under the foreign key', () => ({ [`spiffe://${FOREIGN}`]: home.certDer }), NOT_TRUSTED],
  ['the third CA under the foreign key', () => ({ [`spiffe://${FOREIGN}`]: third.certDer }), NOT_TRUSTED],
  ...[
    'b.example',
    'spiffe://B.example',
    'spiffe://b.example/',
    'spiffe://b.example.',
    'https://b.example',
    'spiffe://b.example/ns/x',
  ].map((key): (typeof BUNDLES)[number] => [
    `the right bundle under ${key}`,
    () => ({ [key]: foreign.certDer }),
    /^TrustDomainNotFederated$/,
  ]),
  ['two bundles for it', () => ({ ...all(), 'b.example': third.certDer }), /^TrustDomainNotFederated$/],
  [
    'a root that has expired',
    async () => ({ [`spiffe://${FOREIGN}`]: (await Ca.create(FOREIGN, { ttlMs: 5_000 })).certDer }),
    /^SafeNotTrusted /,
  ],
];

for (const [what, bundles, outcome] of BUNDLES) {
  test(`${what}: the Safe there is refused, the home one is not`, async (t) => {
    const federated = await bundles();
    const peer = await impostor(t, await foreign.issue({ id: idOf(FOREIGN) }));
    assert.match(await ask(peer, FOREIGN_SAFE, federated), outcome);
    assert.deepEqual([peer.certificates, peer.bytes], [[], 0]);
    const own = await impostor(t, await home.issue({ id: idOf(HOME) }));
    assert.equal(await ask(own, HOME_SAFE, federated), 'SafeHasNoSecrets');
  });
}

test('a federated entry for the own trust domain does not speak for it', async (t) => {
  const peer = await impostor(t, await third.issue({ id: idOf(HOME) }));
  assert.match(await ask(peer, HOME_SAFE, { [`spiffe://${HOME}`]: third.certDer }), NOT_TRUSTED);
  assert.deepEqual([peer.certificates, peer.bytes], [[], 0]);
});

test('one of several roots has expired: the others serve', async (t) => {
  const old = await Ca.create(FOREIGN, { ttlMs: 5_000 });
  const peer = await impostor(t, await foreign.issue({ id: idOf(FOREIGN) }));
  const bundle = Buffer.concat([old.certDer, foreign.certDer]);
  assert.equal(await ask(peer, FOREIGN_SAFE, { [`spiffe://${FOREIGN}`]: bundle }), 'SafeHasNoSecrets');
});
