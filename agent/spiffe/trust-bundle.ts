import type { X509Certificate } from 'node:crypto';
import { parseCertificates } from './certificate.ts';
import { MalformedError } from './error.ts';
import { isTrustDomain } from './id.ts';
import type { Identity } from './svid.ts';

/** The roots of one trust domain, ready for TLS. Some may have expired, since SPIRE keeps old ones for a day. */
export class TrustBundle {
  readonly certificates: readonly X509Certificate[];
  /** One PEM each. */
  readonly pem: readonly string[];
  /** When the last of the roots expires, Unix milliseconds. */
  readonly notAfter: number;

  /**
   * @param der concatenated certificates, as the Workload API sends them
   * @throws MalformedError if there is none, or one does not parse
   */
  constructor(der: Uint8Array) {
    this.certificates = parseCertificates(der);
    if (this.certificates.length === 0) throw new MalformedError('trust bundle is empty');
    this.pem = this.certificates.map(String);
    this.notAfter = Math.max(...this.certificates.map(({ validToDate }) => validToDate.getTime()));
  }

  /** Whether the other one has the same roots, in whatever order. */
  equals(other: TrustBundle): boolean {
    return [...this.pem].sort().join('') === [...other.pem].sort().join('');
  }
}

/** The one bundle that speaks for a trust domain: that of the SVID, or the one that SPIRE federates. */
export function bundleOf(
  { id, bundle, federated }: Pick<Identity, 'id' | 'bundle' | 'federated'>,
  trustDomain: string,
): TrustBundle | undefined {
  return trustDomain === id.trustDomain ? bundle : federated.get(trustDomain);
}

/** The bundles of other trust domains in one message. */
export interface FederatedBundles {
  /** By trust domain. */
  readonly bundles: ReadonlyMap<string, TrustBundle>;
  /** Entries that are not used, with a constant sentence that says why. */
  readonly refused: readonly { readonly trustDomain: string; readonly cause: string }[];
}

const KEY = 'spiffe://';

/**
 * Reads `federated_bundles` of a message of `FetchX509SVID`. SPIRE keys them `spiffe://TRUST_DOMAIN`; a bundle under
 * any other key counts for nothing, and where two keys mean one trust domain neither does, since nothing says which
 * of them speaks for it. One that is bad costs only its own trust domain. The own trust domain's bundle is the
 * SVID's: an entry for it here is left aside.
 */
export function parseFederatedBundles(
  entries: Readonly<Record<string, Uint8Array>>,
  ownTrustDomain: string,
): FederatedBundles {
  const bundles = new Map<string, TrustBundle>();
  const refused: { trustDomain: string; cause: string }[] = [];
  const meant = Object.keys(entries).map(meaning);
  for (const [key, der] of Object.entries(entries)) {
    const trustDomain = meaning(key);
    if (trustDomain === ownTrustDomain) continue;
    const cause =
      key !== KEY + trustDomain || !isTrustDomain(trustDomain)
        ? 'the key of the bundle is not spiffe://TRUST_DOMAIN'
        : meant.filter((other) => other === trustDomain).length > 1
          ? 'two bundles are for one trust domain'
          : read(trustDomain, der, bundles);
    if (cause !== undefined) refused.push({ trustDomain: key, cause });
  }
  return { bundles, refused };
}

/** Which trust domain a key could be taken for: spelled with or without scheme, in whatever case, with what may follow. */
const meaning = (key: string): string =>
  key
    .toLowerCase()
    .replace(/^spiffe:\/\//, '')
    .replace(/[./]+$/, '');

/** Adds a bundle; returns why it cannot be used. */
function read(trustDomain: string, der: Uint8Array, bundles: Map<string, TrustBundle>): string | undefined {
  try {
    bundles.set(trustDomain, new TrustBundle(der));
    return undefined;
  } catch (error) {
    if (error instanceof MalformedError) return error.message;
    throw error;
  }
}
