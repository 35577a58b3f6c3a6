import { ExactNumber, MAX_DEPTH, MAX_NODES, type Node } from './node.ts';

/** Why a text cannot be read: it is not JSON at all, deeper than MAX_DEPTH, larger than MAX_NODES. Carries nothing of the text. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly code: 'NotJson' | 'TooDeep' | 'TooLarge';

  constructor(code: JsonError['code']) {
    super(code);
    this.code = code;
  }
}

/**
 * Reads JSON (RFC 8259, as strict as JSON.parse; of a repeated member the last one counts).
 *
 * JSON.parse with `context.source` would keep numbers exact as well, but moves members with numeric names
 * to the front, its reviver overflows the stack on deep input, and its messages quote the input.
 */
export function readJson(text: string): Node {
  return countJson(text).root;
}

/** As `readJson`, with the number of values that it read. */
export function countJson(text: string): { root: Node; nodes: number } {
  const reader = new Reader(text);
  const root = reader.value(0);
  reader.end();
  return { root, nodes: reader.nodes };
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

const SPACE = /[ \t\n\r]*/y;
const CHARACTER = '[^"\\\\\\x00-\\x1f]*';
/** What stands between two quotes. */
const CHARACTERS = new RegExp(`${CHARACTER}(?:\\\\[^\\x00-\\x1f]${CHARACTER})*`, 'y');

const QUOTE = 0x22;

class Reader {
  readonly #text: string;
  #at = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get nodes(): number {
    return this.#nodes;
  }

  value(depth: number): Node {
    if (++this.#nodes > MAX_NODES) throw new JsonError('TooLarge');
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#list(depth + 1);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) throw new JsonError('NotJson');
  }

  #object(depth: number): Node {
    const members = new Map<string, Node>();
    this.#each('}', depth, () => {
      const name = this.#string();
      this.#space();
      if (!this.#take(':')) throw new JsonError('NotJson');
      members.set(name, this.value(depth));
    });
    return members;
  }

  #list(depth: number): Node {
    const items: Node[] = [];
    this.#each(']', depth, () => items.push(this.value(depth)));
    return items;
  }

  /** Reads what stands between the bracket at hand and `close`, separated by commas. */
  #each(close: string, depth: number, read: () => void): void {
    if (depth > MAX_DEPTH) throw new JsonError('TooDeep');
    this.#at++;
    this.#space();
    if (this.#take(close)) return;
    do {
      this.#space();
      read();
      this.#space();
    } while (this.#take(','));
    if (!this.#take(close)) throw new JsonError('NotJson');
  }

  /** Without escapes a string is a slice of the source; the others are JSON.parse's to read. */
  #string(): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) throw new JsonError('NotJson');
    const start = this.#at;
    CHARACTERS.lastIndex = start + 1;
    CHARACTERS.test(this.#text);
    const end = CHARACTERS.lastIndex;
    if (this.#text.charCodeAt(end) !== QUOTE) throw new JsonError('NotJson');
    const literal = this.#text.slice(start + 1, end);
    this.#at = end + 1;
    return literal.includes('\\') ? unescape(`"${literal}"`) : literal;
  }

  #word<Value extends Node>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw new JsonError('NotJson');
    this.#at += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #number(): ExactNumber {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw new JsonError('NotJson');
    this.#at = NUMBER.lastIndex;
    return new ExactNumber(match[0]);
  }
}

function unescape(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw new JsonError('NotJson');
  }
}
