/**
 * What is not shown as itself: control characters (C0, C1), those that nobody sees or that change the direction of
 * text, halves of surrogate pairs, what Unicode leaves to private use or has not assigned, and all that separates
 * lines or words but a blank.
 */
const UNSEEN = /(?! )[\p{C}\p{Z}]/gu;

/**
 * A text of tenants, of Safe or of a peer as people may see it, in whatever shows it: each character that is not
 * shown as itself becomes `\uXXXX`, so that no name can move a cursor, forge a line or read as another. In a JSON text
 * that is the same text.
 */
export const printable = (text: string): string => text.replace(UNSEEN, escaped);

/** As `printable`, of a text that may be long: its first characters, and a sign that more follow. */
export function shortened(text: string, most: number): string {
  const shown = printable(text.slice(0, most));
  return shown.length <= most && text.length <= most ? shown : `${shown.slice(0, most)}…`;
}

/** As `printable`, of a text that has lines of its own. */
export const printableLines = (text: string): string =>
  text.replace(UNSEEN, (character) => (character === '\n' ? character : escaped(character)));

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => {
    const unit = character.charCodeAt(index).toString(16).padStart(4, '0');
    return `\\u${unit}`;
  }).join('');
