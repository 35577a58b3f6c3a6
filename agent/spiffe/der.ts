import { MalformedError } from './error.ts';

/** One element of DER-encoded ASN.1 (X.690). */
export interface Element {
  /** The identifier octet, class and constructed bit included: 0x30 is a SEQUENCE. */
  readonly tag: number;
  readonly content: Buffer;
  /** The whole element, with tag and length. */
  readonly raw: Buffer;
}

/**
 * Reads elements that follow one another and fill `der` exactly: the members of a SEQUENCE, or the
 * certificates of a chain, which the Workload API sends concatenated.
 *
 * @throws MalformedError
 */
export function readElements(der: Uint8Array): Element[] {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  const elements: Element[] = [];
  for (let start = 0; start < bytes.length;) {
    const { tag, contentStart, end } = readHeader(bytes, start);
    elements.push({ tag, content: bytes.subarray(contentStart, end), raw: bytes.subarray(start, end) });
    start = end;
  }
  return elements;
}

function readHeader(bytes: Buffer, start: number): { tag: number; contentStart: number; end: number } {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new MalformedError('DER is cut off');
  // X.509 has no tag above 30 (those take more octets), and DER no indefinite length (0x80).
  if ((tag & 0x1f) === 0x1f || first === 0x80 || first > 0x84)
    throw new MalformedError('DER has a tag or length that X.509 does not use');
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
  const contentStart = start + 2 + lengthOctets;
  if (contentStart > bytes.length) throw new MalformedError('DER is cut off');
  const length = lengthOctets === 0 ? first : bytes.readUIntBE(start + 2, lengthOctets);
  const end = contentStart + length;
  if (end > bytes.length) throw new MalformedError('DER is cut off');
  return { tag, contentStart, end };
}
