import { fromBase64 } from './base64.ts';
import { pemBlocks } from './pem.ts';
import { TemplateError } from './template-error.ts';

/** What a filter may be given besides the text. */
interface Argument {
  readonly example: string;
  /** Only a quoted text of this form will do, so that a mistake shows when the template is parsed. */
  readonly accepts?: RegExp;
  readonly meaning?: string;
}

/** What is done to one text. Lengths are UTF-16 units. */
interface Filter {
  readonly argument?: Argument;
  /** The largest length that the result can have. */
  readonly most: (length: number, argument: string) => number;
  /** @throws TemplateError that tells what is wrong with the text, without it */
  readonly apply: (text: string, argument: string) => string;
}

const times =
  (factor: number): Filter['most'] =>
  (length) =>
    factor * length;

/** Filters by name: those of the names and meanings that users of other operators know. */
export const FILTERS = {
  /** The argument. Runs only where a member is missing or null, or the text is empty. */
  default: {
    argument: { example: '"text"' },
    most: (_, argument) => argument.length,
    apply: (_, argument) => argument,
  },
  append: {
    argument: { example: '"text"' },
    most: (length, argument) => length + argument.length,
    apply: (text, argument) => text + argument,
  },
  /** Without white space at both ends. */
  trim: { most: times(1), apply: (text) => text.trim() },
  /** Blanks before each line that holds something. Lines end where YAML, 1.1 too, ends them. */
  indent: {
    argument: {
      example: '"4"',
      accepts: /^([0-9]|[1-3][0-9]|40)$/,
      meaning: 'a number of blanks from 0 to 40 in quotes',
    },
    most: (length, argument) => length * (1 + Number(argument)),
    apply: (text, argument) =>
      text.replaceAll(
        /(^|[\n\r\x85\u2028\u2029])(?=[^\n\r\x85\u2028\u2029])/g,
        (lineEnd) => lineEnd + ' '.repeat(Number(argument)),
      ),
  },
  /** Base64 of the UTF-8. A unit has three bytes at most, which are four digits. */
  b64enc: { most: (length) => 4 * length, apply: (text) => Buffer.from(text, 'utf8').toString('base64') },
  b64dec: { most: times(1), apply: decoded },
  /** A JSON text, quotes included. */
  json: { most: (length) => 6 * length + 2, apply: (text) => JSON.stringify(text) },
  /** The same, also for readers of YAML 1.1, which take less and end lines at more characters. */
  yaml: {
    most: (length) => 6 * length + 2,
    apply: (text) =>
      JSON.stringify(text).replaceAll(/[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/gu, unicodeEscape),
  },
  /** Percent-encoded for any place of a URL: all but the unreserved characters of RFC 3986, a blank as %20. */
  urlquery: {
    most: times(9),
    apply: (text) =>
      encodeURIComponent(text).replaceAll(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
  },
  /** A value (or key) of a Java properties file, which is read as Latin-1. */
  properties: {
    most: times(6),
    apply: (text) =>
      text
        .replaceAll(/[ :=#!\\]/g, '\\$&')
        .replaceAll(/[\n\r\t]/g, (character) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[character]!)
        .replaceAll(/[^\x20-\x7e]/g, unicodeEscape),
  },
  /** A field of a PostgreSQL password file. */
  pgpass: { most: times(2), apply: pgpassField },
  /** The PEM blocks of one type. A line end may come to each block. */
  filterPEM: {
    argument: {
      example: '"CERTIFICATE"',
      accepts: /^[A-Z0-9]([A-Z0-9 ]{0,62}[A-Z0-9])?$/,
      meaning: 'the type of PEM blocks in quotes',
    },
    most: (length) => length + 1,
    apply: (text, type) => pemBlocks(text, type) ?? fail(`holds no whole PEM block ${type}`),
  },
} as const satisfies Record<string, Filter>;

export type FilterName = keyof typeof FILTERS;

/** A filter with all that one may have. */
export const filterOf = (name: FilterName): Filter => FILTERS[name];

function decoded(text: string): string {
  const bytes = fromBase64(text);
  if (bytes === undefined) fail('is not base64 (RFC 4648: A-Z, a-z, 0-9, + and /)');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('is base64 of something that is not text in UTF-8');
  }
}

function pgpassField(text: string): string {
  if (/[\n\r\0]/.test(text)) fail('has a line break or NUL, which a password file cannot hold');
  return text.replaceAll(/[\\:]/g, '\\$&');
}

const unicodeEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

function fail(problem: string): never {
  throw new TemplateError(problem);
}
