import { ExactNumber, MAX_DEPTH, type Node } from './node.ts';

/** Why a text cannot be read: it is not JSON at all, or nested deeper than MAX_DEPTH. Carries nothing of the text. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly code: 'NotJson' | 'TooDeep';

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
  const reader = new Reader(text);
  const node = reader.value(0);
  reader.end();
  return node;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Node {
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
    let end = start + 1;
    let escaped = false;
    for (let code; (code = this.#text.charCodeAt(end)) !== QUOTE; end++) {
      if (code === BACKSLASH) {
        escaped = true;
        end++;
      } else if (!(code >= FIRST_PRINTABLE)) {
        throw new JsonError('NotJson');
      }
    }
    this.#at = end + 1;
    return escaped ? unescape(this.#text.slice(start, end + 1)) : this.#text.slice(start + 1, end);
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
    for (
      let code = this.#text.charCodeAt(this.#at);
      code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
    ) {
      code = this.#text.charCodeAt(++this.#at);
    }
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
