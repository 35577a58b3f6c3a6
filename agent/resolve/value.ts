import type { Decoding } from '../api/entry.ts';
import { Failure } from '../api/reasons.ts';
import { fromBase64 } from '../template/base64.ts';

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
  decode === 'None'
    ? encode(text, where, what)
    : (fromBase64(text) ??
      refuseValue(where, what, 'decode is Base64, and it is not base64 (RFC 4648: A-Z, a-z, 0-9, + and /)'));
