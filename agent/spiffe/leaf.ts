import type { X509Certificate } from 'node:crypto';
import { profileOf } from './certificate.ts';
import { MalformedError } from './error.ts';
import { parseSpiffeId, type SpiffeId } from './id.ts';

/**
 * The rules that the X.509-SVID specification sets for a leaf, own or peer's, in the order of go-spiffe's
 * x509svid package: one URI, a SPIFFE ID; not a CA; digitalSignature, and neither keyCertSign nor cRLSign.
 * Other key usages are allowed (SPIRE sets keyEncipherment and keyAgreement). The chain is not looked at.
 *
 * @returns the leaf's SPIFFE ID
 * @throws MalformedError
 */
export function checkLeaf(certificate: X509Certificate): SpiffeId {
  const profile = profileOf(certificate);
  const [uri, ...more] = profile.uris;
  if (uri === undefined) throw new MalformedError('leaf certificate has no URI SAN');
  if (more.length > 0) throw new MalformedError('leaf certificate has more than one URI SAN');
  const id = parseSpiffeId(uri);
  if (profile.isCa) throw new MalformedError('leaf certificate is a CA');
  if (!profile.digitalSignature)
    throw new MalformedError('leaf certificate lacks key usage digitalSignature');
  if (profile.keyCertSign) throw new MalformedError('leaf certificate has key usage keyCertSign');
  if (profile.crlSign) throw new MalformedError('leaf certificate has key usage cRLSign');
  return id;
}

/**
 * The rules for each further certificate of a chain: a CA with keyCertSign.
 *
 * @throws MalformedError
 */
export function checkIntermediate(certificate: X509Certificate): void {
  const profile = profileOf(certificate);
  if (!profile.isCa) throw new MalformedError('signing certificate is not a CA');
  if (!profile.keyCertSign) throw new MalformedError('signing certificate lacks key usage keyCertSign');
}
