import type { TrustBundle } from '../../agent/spiffe/trust-bundle.ts';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { parseCertificates, profileOf } from '../../agent/spiffe/certificate.ts';
import { readElements } from '../../agent/spiffe/der.ts';
import { MalformedError } from '../../agent/spiffe/error.ts';
import { X509SVIDResponseSchema, X509SVIDSchema } from '../devcluster/spire/gen/workload_pb.ts';
import { parseSvids, X509Svid } from '../../agent/spiffe/svid.ts';
import { Ca, type IssueOptions } from '../devcluster/pki.ts';
import { SCOUT } from './harness.ts';

let root: Ca;
let intermediate: Ca;
let foreign: Ca;

before(async () => {
  root = await Ca.create('vsecm.com');
  intermediate = await Ca.create('vsecm.com', { parent: root });
  foreign = await Ca.create('vsecm.com');
});

type Init = MessageInitShape<typeof X509SVIDSchema>;

async function svid(issue: IssueOptions = {}, change: Init = {}, ca = root): Promise<X509Svid> {
  const issued = await ca.issue({ id: SCOUT, ...issue });
  return new X509Svid(
    create(X509SVIDSchema, {
      spiffeId: SCOUT,
      x509Svid: issued.chainDer,
      x509SvidKey: issued.keyDer,
      bundle: root.certDer,
      ...change,
    }),
  );
}

const refused = (attempt: Promise<unknown>, message: RegExp) =>
  assert.rejects(attempt, (error) => error instanceof MalformedError && message.test(error.message));

test('an SVID with SPIRE’s own key usages is read', async () => {
  const parsed = await svid();
  assert.equal(parsed.id.uri, SCOUT);
  assert.equal(new X509Certificate(parsed.certificatesPem).serialNumber, parsed.serialNumber);
});

test('digitalSignature alone is enough, and an SVID without extended key usage or subject too', async () => {
  await svid({ keyUsage: ['digitalSignature'], extendedKeyUsage: [], subject: '' });
});

test('an SVID below an intermediate keeps its chain, and verifies against the root or the intermediate as anchor', async () => {
  const parsed = await svid({}, {}, intermediate);
  assert.equal(parsed.certificatesPem.match(/BEGIN CERTIFICATE/g)?.length, 2);
  await svid({}, { bundle: intermediate.certDer }, intermediate);
  await svid({}, { bundle: Buffer.concat([foreign.certDer, root.certDer]) }, intermediate);
});

test('an SVID ends with the first certificate of its chain', async () => {
  const short = await Ca.create('vsecm.com', { parent: root, ttlMs: 60_000 });
  const notAfter = Math.floor(Date.now() / 1000) * 1000 + 3_000_000;
  assert.equal((await svid({ notAfter }, {}, short)).notAfter, short.notAfter);
});

for (const field of ['spiffeId', 'x509Svid', 'x509SvidKey', 'bundle'] as const) {
  test(`an SVID whose ${field} is empty is refused`, async () => {
    await refused(svid({}, { [field]: field === 'spiffeId' ? '' : new Uint8Array() }), /mandatory field/);
  });
}

test('a leaf that breaks a rule is refused', async () => {
  await refused(svid({ isCa: true }), /is a CA/);
  await refused(svid({ isCa: true, keyUsage: ['digitalSignature', 'keyCertSign'] }), /is a CA/);
  await refused(svid({ keyUsage: ['digitalSignature', 'keyCertSign'] }), /keyCertSign/);
  await refused(svid({ keyUsage: ['digitalSignature', 'cRLSign'] }), /cRLSign/);
  await refused(svid({ keyUsage: ['keyEncipherment', 'keyAgreement'] }), /lacks key usage digitalSignature/);
  await refused(svid({ keyUsage: [] }), /lacks key usage digitalSignature/);
  await refused(svid({ sans: [] }), /no URI SAN/);
  await refused(svid({ sans: [{ type: 'dns', value: 'spiffe.vsecm.com' }] }), /no URI SAN/);
  const uris = [SCOUT, `${SCOUT}-2`].map((value) => ({ type: 'url' as const, value }));
  await refused(svid({ sans: uris }), /more than one URI SAN/);
  await refused(svid({ id: 'https://vsecm.com/workload' }), /spiffe:\/\//);
  await refused(svid({ id: `${SCOUT}/` }), /trailing slash/);
});

test('a DNS name beside the one URI is allowed', async () => {
  await svid({
    sans: [
      { type: 'dns', value: 'pod.vsecm.com' },
      { type: 'url', value: SCOUT },
    ],
  });
});

test('a message that gives another SPIFFE ID than its leaf is refused', async () => {
  await refused(svid({}, { spiffeId: `${SCOUT}-2` }), /another SPIFFE ID/);
});

test('a chain that does not lead to the bundle is refused', async () => {
  await refused(svid({}, {}, foreign), /does not lead to the bundle/);
  const { certDer } = await intermediate.issue({ id: SCOUT });
  await refused(svid({}, { x509Svid: certDer }), /does not lead to the bundle/);
});

test('a signature that does not verify is refused, though names and key identifiers fit', async () => {
  const { certDer } = await root.issue({ id: SCOUT });
  const last = certDer.length - 1;
  certDer.writeUInt8(certDer.readUInt8(last) ^ 1, last);
  await refused(svid({}, { x509Svid: certDer }), /does not lead to the bundle/);
});

test('a certificate with one extension twice is refused', async () => {
  const { certDer } = await root.issue({ id: SCOUT });
  // The subject key identifier (2.5.29.14) becomes a second key usage (2.5.29.15).
  const oid = Buffer.from('0603551d0e', 'hex');
  certDer.writeUInt8(0x0f, certDer.indexOf(oid) + oid.length - 1);
  await refused(svid({}, { x509Svid: certDer }), /an extension twice/);
});

test('a signing certificate that is no CA is refused', async () => {
  const leaf = await root.issue({ id: SCOUT });
  await refused(
    svid({}, { x509Svid: Buffer.concat([leaf.certDer, leaf.certDer]), x509SvidKey: leaf.keyDer }),
    /signing certificate is not a CA/,
  );
  const weak = await root.issue({ id: SCOUT, isCa: true });
  await refused(
    svid({}, { x509Svid: Buffer.concat([leaf.certDer, weak.certDer]), x509SvidKey: leaf.keyDer }),
    /lacks key usage keyCertSign/,
  );
});

test('a key that does not belong to the leaf, or is no PKCS#8, is refused', async () => {
  const other = await root.issue({ id: SCOUT });
  await refused(svid({}, { x509SvidKey: other.keyDer }), /does not belong/);
  await refused(svid({}, { x509SvidKey: Buffer.from('no key') }), /does not parse/);
  await refused(svid({}, { x509SvidKey: Buffer.from(other.keyPem) }), /does not parse/);
});

test('certificates that do not parse, or that are cut off anywhere, are refused', async () => {
  const { certDer } = await root.issue({ id: SCOUT });
  await refused(svid({}, { x509Svid: Buffer.from('no certificate') }), /DER/);
  await refused(svid({}, { bundle: Buffer.concat([root.certDer, Buffer.from([0])]) }), /DER is cut off/);
  for (let length = 1; length < certDer.length; length += 7) {
    await refused(svid({}, { x509Svid: certDer.subarray(0, length) }), /cut off/);
  }
});

const NONE = new Map<string, TrustBundle>();

test('one bad SVID, or none, spoils the message', async () => {
  const good = await root.issue({ id: SCOUT });
  const message = {
    spiffeId: SCOUT,
    x509Svid: good.chainDer,
    x509SvidKey: good.keyDer,
    bundle: root.certDer,
  };
  assert.equal(parseSvids(create(X509SVIDResponseSchema, { svids: [message] }), NONE).length, 1);
  assert.throws(
    () =>
      parseSvids(
        create(X509SVIDResponseSchema, { svids: [message, { ...message, bundle: new Uint8Array() }] }),
        NONE,
      ),
    MalformedError,
  );
  assert.throws(() => parseSvids(create(X509SVIDResponseSchema, {}), NONE), MalformedError);
});

test('concatenated certificates are read one by one', () => {
  const ders = [root.certDer, intermediate.certDer, foreign.certDer];
  assert.deepEqual(
    parseCertificates(Buffer.concat(ders)).map(({ raw }) => raw.toString('hex')),
    ders.map((der) => der.toString('hex')),
  );
});

test('the profile shows a CA without keyCertSign as the CA that it is, unlike Node', async () => {
  const { certDer } = await root.issue({ id: SCOUT, isCa: true });
  const certificate = new X509Certificate(certDer);
  assert.equal(certificate.ca, false);
  assert.deepEqual(profileOf(certificate), {
    uris: [SCOUT],
    isCa: true,
    digitalSignature: true,
    keyCertSign: false,
    crlSign: false,
  });
  assert.deepEqual(profileOf(new X509Certificate(root.certDer)), {
    uris: ['spiffe://vsecm.com'],
    isCa: true,
    digitalSignature: false,
    keyCertSign: true,
    crlSign: true,
  });
});

test('a URI that looks like two in Node’s joined text is one', async () => {
  const value = 'spiffe://vsecm.com/a, URI:spiffe://vsecm.com/b';
  const { certDer } = await root.issue({ sans: [{ type: 'url', value }] });
  assert.deepEqual(profileOf(new X509Certificate(certDer)).uris, [value]);
});

test('DER that X.509 does not use is refused', () => {
  for (const hex of ['30', '3005', '308000', '3f810100', '308501000000000000', '30840fffffff']) {
    assert.throws(() => readElements(Buffer.from(hex, 'hex')), MalformedError, hex);
  }
  assert.deepEqual(
    readElements(Buffer.from('04820001aa0500', 'hex')).map(({ tag, content }) => [
      tag,
      content.toString('hex'),
    ]),
    [
      [4, 'aa'],
      [5, ''],
    ],
  );
  assert.deepEqual(readElements(Buffer.alloc(0)), []);
});
