import type { Decoding } from '../api/entry.ts';
import { Failure } from '../api/reasons.ts';

/** Throws `ValueInvalid`. The message names where and for what (a key), never the value. */
export function refuseValue(where: string, what: string, why: string): never {
  throw new Failure('ValueInvalid', `${where}: the value for ${what} cannot be stored: ${why}`);
}

/** UTF-8. Half a surrogate pair (JSON can write one) has no UTF-8, and would silently become another value. */
export function encode(text: string, where: string, what: string): Uint8Array {
  if (!text.isWellFormed()) refuseValue(where, what, 'it is not Unicode text (half a surrogate pair)');
  return Buffer.from(text, 'utf8');
}

/** The bytes of a text as `decode` of its entry wants them. */
export const bytesOf = (text: string, decode: Decoding, where: string, what: string): Uint8Array =>
  decode === 'Base64' ? fromBase64(text, where, what) : encode(text, where, what);

/**
 * Base64 as RFC 4648 §4 has it, with or without its padding; line breaks and blanks, which many tools add, do
 * not count. Anything else is refused, also bits behind the last byte, which only a text has that was cut.
 */
function fromBase64(text: string, where: string, what: string): Uint8Array {
  const digits = text.replaceAll(/[ \t\r\n]/g, '');
  const bytes = Buffer.from(digits, 'base64');
  const canonical = bytes.toString('base64');
  if (digits !== canonical && digits !== canonical.replace(/=+$/, ''))
    refuseValue(where, what, 'decode is Base64, and it is not base64 (RFC 4648: A-Z, a-z, 0-9, + and /)');
  return bytes;
}
