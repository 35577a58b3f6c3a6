import { FILTERS, filterOf, type FilterName } from './filters.ts';
import { wrongAt } from './template-error.ts';

/** Code points of a template; the CRD has the same limit. Far more than a configuration file that is written by hand. */
export const MAX_TEMPLATE_LENGTH = 16 * 1024;

/** Filters in a row. Nobody was seen to need more than three; each may make a text larger. */
export const MAX_FILTERS = 8;

/** A quoted text, or the name of a value and of members in it, one below the other. */
export type Operand = { readonly text: string } | { readonly path: readonly string[] };

/** A filter and its argument, which is there exactly if the filter takes one. */
export interface Step {
  readonly filter: FilterName;
  readonly argument?: Operand;
}

/** What stands between `{{` and `}}`. */
export interface Placeholder {
  readonly operand: Operand;
  readonly steps: readonly Step[];
}

/** A template, taken apart: texts, and what is put in between. */
export type Template = readonly (string | Placeholder)[];

/** How a value is called; the CRD repeats it. */
export const NAME_PATTERN = '^[A-Za-z_][A-Za-z0-9_-]{0,62}$';

const SPACE = /[ \t\r\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_-]*/y;
const MEMBER = /[A-Za-z0-9_-]+/y;
const QUOTED = /"([^"]*)"|'([^']*)'/y;

/**
 * Takes a template apart: text and `{{ name.member | filter: argument }}`, where name and argument may be a
 * quoted text as well. In time linear in its length.
 * @throws TemplateError for what does not parse wholly; says where
 */
export function parseTemplate(text: string): Template {
  return new Parser(text).template();
}

/** The names of the values that a template uses. */
export function namesIn(template: Template): Set<string> {
  const names = new Set<string>();
  const add = (operand: Operand | undefined): void => {
    if (operand !== undefined && 'path' in operand) names.add(operand.path[0]!);
  };
  for (const part of template) {
    if (typeof part === 'string') continue;
    add(part.operand);
    for (const { argument } of part.steps) add(argument);
  }
  return names;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  template(): Template {
    const parts: (string | Placeholder)[] = [];
    for (;;) {
      const start = this.#at;
      const open = this.#text.indexOf('{{', start);
      this.#at = open < 0 ? this.#text.length : open;
      const tag = this.#text.slice(start, this.#at).indexOf('{%');
      if (tag >= 0)
        this.#fail('there are no tags here; write {{ "{%" }} for these two characters', start + tag);
      if (this.#at > start) parts.push(this.#text.slice(start, this.#at));
      if (open < 0) return parts;
      parts.push(this.#placeholder());
    }
  }

  #placeholder(): Placeholder {
    const start = this.#at;
    this.#at += 2;
    const operand = this.#operand('{{');
    const steps: Step[] = [];
    while (this.#token('|')) {
      if (steps.length === MAX_FILTERS) this.#fail(`there are more than ${MAX_FILTERS} filters in a row`);
      steps.push(this.#step());
    }
    if (this.#token('}}')) return { operand, steps };
    if (!this.#text.includes('}}', this.#at)) this.#fail('this {{ has no }}', start);
    return this.#fail('| and a filter, or }}, must follow; members are names, joined by single dots');
  }

  #step(): Step {
    this.#space();
    const at = this.#at;
    const name = this.#take(NAME)?.[0];
    if (name === undefined) this.#fail('the name of a filter must follow |');
    const filter = Object.hasOwn(FILTERS, name) ? (name as FilterName) : undefined;
    if (filter === undefined)
      this.#fail(`there is no filter ${name.slice(0, 64)}; there are ${Object.keys(FILTERS).join(', ')}`, at);
    const { argument: wanted } = filterOf(filter);
    if (!this.#token(':')) {
      if (wanted !== undefined) this.#fail(`${filter} takes an argument: ${filter}: ${wanted.example}`, at);
      return { filter };
    }
    if (wanted === undefined) this.#fail(`${filter} takes no argument`, at);
    const argument = this.#operand(':');
    if (wanted.accepts !== undefined && !('text' in argument && wanted.accepts.test(argument.text)))
      this.#fail(
        `the argument of ${filter} must be ${wanted.meaning}, such as ${filter}: ${wanted.example}`,
        at,
      );
    return { filter, argument };
  }

  #operand(after: string): Operand {
    this.#space();
    const quoted = this.#take(QUOTED);
    if (quoted !== undefined) return { text: quoted[1] ?? quoted[2]! };
    const name = this.#take(NAME)?.[0];
    if (name === undefined)
      this.#fail(
        `a name or a text in quotes must follow ${after}; a name begins with a letter or _, not with a dot`,
      );
    const path = [name];
    while (this.#text[this.#at] === '.') {
      this.#at++;
      const member = this.#take(MEMBER)?.[0];
      if (member === undefined) this.#fail('the name of a member must follow the dot');
      path.push(member);
    }
    return { path };
  }

  #token(token: string): boolean {
    this.#space();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #space(): void {
    this.#take(SPACE);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  #fail(problem: string, at = this.#at): never {
    throw wrongAt(this.#text, at, problem);
  }
}
