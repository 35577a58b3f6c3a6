import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { parseCertificates } from './certificate.ts';
import { MalformedError } from './error.ts';
import { parseSpiffeId, type SpiffeId } from './id.ts';
import { checkIntermediate, checkLeaf } from './leaf.ts';
import type { X509SVID, X509SVIDResponse } from './workload-message.ts';
import { TrustBundle } from './trust-bundle.ts';

/** Who the agent is and whom it trusts, ready for TLS. Certificates and key live in memory only. */
export interface Identity {
  readonly id: SpiffeId;
  /** PEM, the leaf first, then intermediates. */
  readonly certificatesPem: string;
  /** PKCS#8 PEM. Never log it. */
  readonly keyPem: string;
  /** Of the own trust domain. */
  readonly bundle: TrustBundle;
  /** Of each trust domain that SPIRE federates, by name. */
  readonly federated: ReadonlyMap<string, TrustBundle>;
  /** When the leaf begins to be valid, Unix milliseconds. */
  readonly notBefore: number;
  /** When the first certificate of the chain ends, Unix milliseconds. */
  readonly notAfter: number;
  /** Of the leaf, hex. */
  readonly serialNumber: string;
}

/** An X.509-SVID that satisfies the specification: it chains up to its bundle and its key fits. It may have expired. */
export class X509Svid implements Identity {
  readonly id: SpiffeId;
  readonly certificatesPem: string;
  readonly bundle: TrustBundle;
  readonly federated: ReadonlyMap<string, TrustBundle>;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly serialNumber: string;
  // Private, so that neither JSON.stringify nor an inspection of the object shows it.
  readonly #keyPem: string;

  /** @throws MalformedError */
  constructor(message: X509SVID, federated: ReadonlyMap<string, TrustBundle> = new Map()) {
    for (const field of ['spiffeId', 'x509Svid', 'x509SvidKey', 'bundle'] as const) {
      if (message[field].length === 0) throw new MalformedError(`mandatory field ${field} is empty`);
    }
    const chain = parseCertificates(message.x509Svid);
    const [leaf, ...intermediates] = chain as [X509Certificate, ...X509Certificate[]];
    this.bundle = new TrustBundle(message.bundle);
    this.federated = federated;
    this.id = checkLeaf(leaf);
    if (this.id.uri !== parseSpiffeId(message.spiffeId).uri)
      throw new MalformedError('leaf certificate has another SPIFFE ID than the message');
    for (const certificate of intermediates) checkIntermediate(certificate);
    checkChain(chain, this.bundle.certificates);
    const key = parseKey(message.x509SvidKey);
    if (!leaf.checkPrivateKey(key))
      throw new MalformedError('private key does not belong to the leaf certificate');

    this.#keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.certificatesPem = chain.map(String).join('');
    this.notAfter = Math.min(...chain.map((certificate) => certificate.validToDate.getTime()));
    this.notBefore = leaf.validFromDate.getTime();
    this.serialNumber = leaf.serialNumber;
  }

  get keyPem(): string {
    return this.#keyPem;
  }

  /** Whether the other one has the same chain and key, and the same roots of the own trust domain. */
  isSame(other: X509Svid): boolean {
    return (
      this.certificatesPem === other.certificatesPem &&
      this.#keyPem === other.#keyPem &&
      this.bundle.equals(other.bundle)
    );
  }

  /** Whether the other one is the same and trusts the same roots of the same other trust domains. */
  equals(other: X509Svid): boolean {
    return (
      this.isSame(other) &&
      this.federated.size === other.federated.size &&
      [...this.federated].every(([name, bundle]) => other.federated.get(name)?.equals(bundle))
    );
  }
}

/**
 * Reads the SVIDs of a message of `FetchX509SVID`. One bad SVID spoils the message, as in go-spiffe: a part of the
 * truth must not pass for the whole.
 *
 * @param federated the bundles that came with them
 * @returns at least one SVID, in the message's order
 * @throws MalformedError
 */
export function parseSvids(
  message: X509SVIDResponse,
  federated: ReadonlyMap<string, TrustBundle>,
): X509Svid[] {
  if (message.svids.length === 0) throw new MalformedError('message without any SVID');
  return message.svids.map((svid) => new X509Svid(svid, federated));
}

/**
 * Follows signatures from the leaf to a certificate of the bundle. Dates are left out: an expired root in the
 * bundle is normal, and whether the SVID itself has expired is asked each time it is used.
 */
function checkChain(chain: readonly X509Certificate[], bundle: readonly X509Certificate[]): void {
  for (const [depth, certificate] of chain.entries()) {
    if (bundle.some((anchor) => isIssuedBy(certificate, anchor))) return;
    const next = chain[depth + 1];
    if (next === undefined || !isIssuedBy(certificate, next)) break;
  }
  throw new MalformedError('certificate chain does not lead to the bundle');
}

// checkIssued compares names, key identifiers and the issuer's key usage; only verify looks at the signature.
const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

function parseKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    // OpenSSL's message is of no use here, and nothing about a key belongs into a log.
    throw new MalformedError('private key does not parse as PKCS#8');
  }
}
