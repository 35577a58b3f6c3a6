/**
 * The PEM blocks (RFC 7468) of one type in a text, each from its BEGIN line to its END line, in their order; what
 * stands around them is left out. `undefined`: there is none, or one has no end.
 * @param type such as `CERTIFICATE`
 */
export function pemBlocks(text: string, type: string): string | undefined {
  const begin = `-----BEGIN ${type}-----`;
  const end = `-----END ${type}-----`;
  const blocks: string[] = [];
  for (let at = 0; ;) {
    const start = text.indexOf(begin, at);
    if (start < 0) break;
    at = start + begin.length;
    if (start > 0 && text[start - 1] !== '\n') continue;
    const last = text.indexOf(end, at);
    if (last < 0) return undefined;
    at = last + end.length;
    blocks.push(`${text.slice(start, at)}\n`);
  }
  return blocks.length === 0 ? undefined : blocks.join('');
}
