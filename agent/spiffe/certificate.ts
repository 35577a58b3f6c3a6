import { X509Certificate } from 'node:crypto';
import { readElements } from './der.ts';
import { MalformedError } from './error.ts';

const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const BOOLEAN = 0x01;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
/** `extensions [3]` of a TBSCertificate, and `uniformResourceIdentifier [6]` of a GeneralName (RFC 5280). */
const EXTENSIONS = 0xa3;
const URI_NAME = 0x86;

/** Content octets of the extensions' object identifiers, in hex. */
const KEY_USAGE = '551d0f';
const SUBJECT_ALT_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';

/** What a certificate says of itself that decides its part in SPIFFE. */
export interface CertificateProfile {
  /** Every URI among the subject alternative names. */
  readonly uris: readonly string[];
  readonly isCa: boolean;
  /** Bits of the key usage; all false if the extension is absent. */
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

/**
 * Parses certificates in concatenated DER; `X509Certificate` alone would read the first and ignore the rest.
 *
 * @throws MalformedError
 */
export function parseCertificates(der: Uint8Array): X509Certificate[] {
  return readElements(der).map(({ raw }) => {
    try {
      return new X509Certificate(raw);
    } catch {
      throw new MalformedError('a certificate does not parse');
    }
  });
}

/**
 * Reads what Node does not show: the bits of the key usage, the basic constraints as they are written
 * (`X509Certificate.ca` is false for a CA whose key usage lacks keyCertSign), and the URIs one by one
 * instead of joined into one string.
 *
 * @throws MalformedError
 */
export function profileOf(certificate: X509Certificate): CertificateProfile {
  const extensions = extensionsOf(certificate);
  const usage = only(extensions.get(KEY_USAGE), BIT_STRING);
  // The first octet of a BIT STRING counts unused bits; bit 0 is the highest of the next one.
  const bits = usage?.[1] ?? 0;
  const constraints = only(extensions.get(BASIC_CONSTRAINTS), SEQUENCE);
  const names = only(extensions.get(SUBJECT_ALT_NAME), SEQUENCE);
  const ca =
    constraints === undefined ? undefined : readElements(constraints).find(({ tag }) => tag === BOOLEAN);
  return {
    uris:
      names === undefined
        ? []
        : readElements(names).flatMap(({ tag, content }) =>
            tag === URI_NAME ? [content.toString('latin1')] : [],
          ),
    isCa: ca?.content[0] !== undefined && ca.content[0] !== 0,
    digitalSignature: (bits & 0x80) !== 0,
    keyCertSign: (bits & 0x04) !== 0,
    crlSign: (bits & 0x02) !== 0,
  };
}

/** Extension values by the hex of their object identifier. */
function extensionsOf(certificate: X509Certificate): Map<string, Buffer> {
  const tbs = only(only(certificate.raw, SEQUENCE, 0), SEQUENCE, 0);
  const wrapped = tbs === undefined ? undefined : readElements(tbs).find(({ tag }) => tag === EXTENSIONS);
  const found = new Map<string, Buffer>();
  for (const { content } of readElements(only(wrapped?.content, SEQUENCE) ?? Buffer.alloc(0))) {
    const parts = readElements(content);
    const oid = parts[0];
    const value = parts.at(-1);
    if (oid?.tag !== OBJECT_IDENTIFIER || value?.tag !== OCTET_STRING)
      throw new MalformedError('an extension of a certificate does not parse');
    const key = oid.content.toString('hex');
    if (found.has(key)) throw new MalformedError('a certificate has an extension twice');
    found.set(key, value.content);
  }
  return found;
}

/** Content of the single element in `der`, or of element number `index`; it must have this tag. */
function only(der: Buffer | undefined, tag: number, index?: number): Buffer | undefined {
  if (der === undefined) return undefined;
  const elements = readElements(der);
  const element = elements[index ?? 0];
  if (element?.tag !== tag || (index === undefined && elements.length !== 1))
    throw new MalformedError('a certificate has an element that does not belong there');
  return element.content;
}
