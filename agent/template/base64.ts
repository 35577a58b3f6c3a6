/**
 * The bytes of a base64 text as RFC 4648 §4 has it, with or without its padding; line breaks and blanks, which
 * many tools add, do not count. Anything else is `undefined`, also bits behind the last byte, which only a text
 * has that was cut.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[ \t\r\n]/g, '');
  const bytes = Buffer.from(digits, 'base64');
  const canonical = bytes.toString('base64');
  return digits === canonical || digits === canonical.replace(/=+$/, '') ? bytes : undefined;
}
