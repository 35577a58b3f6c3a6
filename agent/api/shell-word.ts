/** Characters that no shell reads as anything else. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** As in `printable.ts`: what must not stand in a command as itself. */
const UNSEEN = /(?! )[\p{C}\p{Z}]/u;

/**
 * A text as one word of a command line, for bash, zsh and POSIX 2024: as it is, in single quotes, or in `$'…'` with
 * the bytes of what cannot be shown.
 */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text;
  if (!UNSEEN.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const characters = Array.from(text, (character) => {
    if (character === "'" || character === '\\') return `\\${character}`;
    return UNSEEN.test(character)
      ? Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
      : character;
  });
  // A digit that follows would count as one of the escape's: bash takes two at most.
  return `$'${characters.join('')}'`;
}
