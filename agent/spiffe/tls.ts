import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { MalformedError, PeerError } from './error.ts';
import { wholly, type SpiffeId } from './id.ts';
import { checkLeaf } from './leaf.ts';
import { bundleOf } from './trust-bundle.ts';
import type { Identity } from './svid.ts';

/** Whom the agent takes for a VSecM Safe. */
export interface PeerOptions {
  /** The only trust domain whose bundle counts: the own one, or one that SPIRE federates. */
  trustDomain: string;
  /** Must match the peer's SPIFFE ID from its first character to its last, anchored or not. */
  idPattern: RegExp;
}

/**
 * TLS options for the next connection to Safe, as `tls.connect` and undici's `connect` take them.
 *
 * The peer is verified in two steps. OpenSSL checks the chain against exactly one bundle, that of this Safe's trust
 * domain (with several in `ca` every federated CA could mint Safe's ID); then `checkServerIdentity` looks at the
 * leaf. Node calls the second only if the first went well, and only in a full handshake: **session resumption
 * skips it**, so callers must switch that off (undici: `connect.maxCachedSessions: 0`; `tls.connect`: no `session`).
 *
 * `servername` is left out on purpose. Safe's certificate has no DNS name, so the host plays no part in the
 * verification; the client sets SNI from the URL, which Safe ignores and a proxy that passes TLS through may need.
 *
 * @returns undefined if there is no bundle for the trust domain: it is not federated
 */
export function tlsOptions(identity: Identity, peer: PeerOptions): ConnectionOptions | undefined {
  const bundle = bundleOf(identity, peer.trustDomain);
  if (bundle === undefined) return undefined;
  return {
    cert: identity.certificatesPem,
    key: identity.keyPem,
    ca: [...bundle.pem],
    // Under TLS 1.2 a rogue server would see the agent's certificate before it is found out.
    minVersion: 'TLSv1.3',
    // Explicit, because the default gives way to NODE_TLS_REJECT_UNAUTHORIZED=0, and with it both checks are off.
    rejectUnauthorized: true,
    // SPIFFE takes each certificate of a bundle as an anchor; OpenSSL by default only self-signed ones.
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkPeer(certificate.raw, peer),
  };
}

/** Why the certificate, whose chain is verified already, is not Safe's; undefined if it is. */
function checkPeer(der: Buffer, { trustDomain, idPattern }: PeerOptions): PeerError | undefined {
  let id: SpiffeId;
  try {
    id = checkLeaf(new X509Certificate(der));
  } catch (error) {
    return new PeerError(
      'SafeWrongIdentity',
      error instanceof MalformedError ? error.message : 'certificate does not parse',
    );
  }
  // The trust domain first and as text: in a pattern its dots would match any character.
  if (id.trustDomain !== trustDomain)
    return new PeerError('SafeWrongIdentity', 'trust domain differs', id.uri);
  if (!wholly(idPattern).test(id.uri)) return new PeerError('SafeWrongIdentity', 'SPIFFE ID differs', id.uri);
  return undefined;
}

/**
 * What Node puts into `error.code` when the chain of a peer does not verify ("X509 certificate error codes" in the
 * documentation of `node:tls`), without those about revocation lists, of which the agent has none.
 */
const VERIFICATION_CODES: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'UNSPECIFIED',
]);

/**
 * Finds in a failed connection's error, or in what caused it, that the peer was refused. Undefined if the
 * connection failed for another reason.
 */
export function peerErrorOf(error: unknown): PeerError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof PeerError) return at;
    if ('code' in at && typeof at.code === 'string' && VERIFICATION_CODES.has(at.code))
      return new PeerError('SafeNotTrusted', at.code);
  }
  return undefined;
}
