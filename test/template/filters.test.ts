import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { load } from 'js-yaml';
import { FILTERS, filterOf, type FilterName } from '../../agent/template/filters.ts';
import { TemplateError } from '../../agent/template/template-error.ts';

const apply = (name: FilterName, text: string, argument = ''): string => filterOf(name).apply(text, argument);

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
const KEY = '-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----';

const EXAMPLES: [filter: FilterName, argument: string, text: string, result: string][] = [
  ['append', 'b', 'a', 'ab'],
  ['trim', '', ' \n\u00a0a b\t\n', 'a b'],
  ['indent', '2', 'a\n\n b\r\nc\rd\u0085e\u2028f\n', '  a\n\n   b\r\n  c\r  d\u0085  e\u2028  f\n'],
  ['indent', '0', 'a\nb', 'a\nb'],
  ['b64enc', '', 'é😀', 'w6nwn5iA'],
  ['b64dec', '', 'w6nw\nn5iA', 'é😀'],
  ['b64dec', '', 'YQ', 'a'],
  ['b64dec', '', '77u/YQ==', '\ufeffa'],
  ['json', '', 'a"\\\n\u0000é', '"a\\"\\\\\\n\\u0000é"'],
  ['json', '', '12345678901234567890', '"12345678901234567890"'],
  ['yaml', '', 'a: #"\u007f\u0085\u2028\ufeff', '"a: #\\"\\u007f\\u0085\\u2028\\ufeff"'],
  [
    'urlquery',
    '',
    "a b+c/d?e#f&g=h:i@é!'()*~-._",
    'a%20b%2Bc%2Fd%3Fe%23f%26g%3Dh%3Ai%40%C3%A9%21%27%28%29%2A~-._',
  ],
  ['properties', '', ' a=b:c#d!e\\f\tg\nh\ré😀', '\\ a\\=b\\:c\\#d\\!e\\\\f\\tg\\nh\\r\\u00e9\\ud83d\\ude00'],
  ['pgpass', '', 'a:b\\c', 'a\\:b\\\\c'],
  [
    'filterPEM',
    'CERTIFICATE',
    `Bag\n${KEY}\n${CERTIFICATE}\nmore\n${CERTIFICATE}`,
    `${CERTIFICATE}\n${CERTIFICATE}\n`,
  ],
  ['filterPEM', 'EC PRIVATE KEY', `${CERTIFICATE}\n${KEY}\n`, `${KEY}\n`],
];

for (const [filter, argument, text, result] of EXAMPLES) {
  test(`${filter} makes ${JSON.stringify(text)} ${JSON.stringify(result)}`, () =>
    assert.equal(apply(filter, text, argument), result));
}

const REFUSED: [filter: FilterName, argument: string, text: string, message: RegExp][] = [
  ['b64dec', '', 'not base64!', /^is not base64/],
  ['b64dec', '', 'YR==', /^is not base64/],
  ['b64dec', '', '/w==', /^is base64 of something that is not text in UTF-8$/],
  ['pgpass', '', 'a\nb', /^has a line break or NUL/],
  ['pgpass', '', 'a\0b', /^has a line break or NUL/],
  ['filterPEM', 'CERTIFICATE', KEY, /^holds no whole PEM block CERTIFICATE$/],
  ['filterPEM', 'CERTIFICATE', '-----BEGIN CERTIFICATE-----\nMIIB', /^holds no whole PEM block/],
  ['filterPEM', 'CERTIFICATE', `text ${CERTIFICATE}`, /^holds no whole PEM block/],
];

for (const [filter, argument, text, message] of REFUSED) {
  test(`${filter} refuses ${JSON.stringify(text)}, without quoting it`, () => {
    assert.throws(
      () => apply(filter, text, argument),
      (error) => error instanceof TemplateError && message.test(error.message),
    );
  });
}

/** Any Unicode text, those among them that formats stumble over. */
const text = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom(
      ...'\0\t\n\r "\'\\:=#!{}[],&*@`|>%~-?',
      '\x7f',
      '\x85',
      '\u2028',
      '\ufeff',
      '\uffff',
      'yes',
      '1e3',
    ),
  ),
  maxLength: 60,
});
const holds = (property: (text: string) => void): void => fc.assert(fc.property(text, property));

test('no result is longer than the filter said', () => {
  for (const name of Object.keys(FILTERS) as FilterName[]) {
    const { argument, most } = filterOf(name);
    const given = argument?.accepts === undefined ? text : fc.constant(argument.example.slice(1, -1));
    fc.assert(
      fc.property(text, given, (input, arg) => {
        let result: string;
        try {
          result = apply(name, input, arg);
        } catch (error) {
          return assert.ok(error instanceof TemplateError, `${name}: ${error}`);
        }
        assert.ok(result.length <= most(input.length, arg), name);
      }),
      { numRuns: 500 },
    );
  }
});

test('a JSON reader has the text back', () =>
  holds((any) => assert.equal(JSON.parse(apply('json', any)), any)));

test('a YAML reader has the text back, and finds nothing beside it', () =>
  holds((any) => {
    const written = apply('yaml', any);
    assert.deepEqual(load(`before: 1\na: ${written}\nb: [${written}, 2]\n`), {
      before: 1,
      a: any,
      b: [any, 2],
    });
    // What YAML 1.1 takes for no character or for a line end.
    assert.doesNotMatch(written, /[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/u);
  }));

test('the user info and the query of a URL hold the text', () =>
  holds((any) => {
    const written = apply('urlquery', any);
    assert.match(written, /^[A-Za-z0-9._~%-]*$/);
    const url = new URL(`postgres://${written}:${written}@db/shop?q=${written}`);
    assert.deepEqual(
      [
        decodeURIComponent(url.username),
        decodeURIComponent(url.password),
        url.searchParams.get('q'),
        url.host,
      ],
      [any, any, any, 'db'],
    );
  }));

test('base64 and back', () => holds((any) => assert.equal(apply('b64dec', apply('b64enc', any)), any)));

/** Takes a properties file of one line apart as java.util.Properties does. */
function readProperties(line: string): [key: string, value: string] {
  const [, key, value] = /^((?:[^\\=: \t]|\\.)*)[ \t]*[=:]?[ \t]*((?:[^\\]|\\.)*)$/s.exec(line)!;
  const plain = (escaped: string): string =>
    escaped.replaceAll(/\\(?:u([0-9a-f]{4})|(.))/gs, (_, unit?: string, character?: string) =>
      unit === undefined
        ? ({ n: '\n', r: '\r', t: '\t', f: '\f' }[character!] ?? character!)
        : String.fromCharCode(parseInt(unit, 16)),
    );
  return [plain(key!), plain(value!)];
}

test('a properties file has the text back, as key and as value', () =>
  holds((any) => {
    const written = apply('properties', any);
    assert.match(written, /^[\x20-\x7e]*$/);
    assert.deepEqual(readProperties(`${written}=${written}`), [any, any]);
  }));

test('a password file has the text back', () =>
  holds((any) => {
    if (/[\n\r\0]/.test(any)) return;
    const fields = Array.from(
      `host:${apply('pgpass', any)}:x`.matchAll(/(?:^|:)((?:\\.|[^\\:])*)/gs),
      ([, field]) => field!.replaceAll(/\\(.)/gs, '$1'),
    );
    assert.deepEqual(fields, ['host', any, 'x']);
  }));

test('every line that holds something is indented, wherever readers of YAML see lines', () =>
  holds((any) => {
    const lines = (from: string): string[] => from.split(/[\n\r\u0085\u2028\u2029]/);
    const before = lines(any);
    assert.deepEqual(
      lines(apply('indent', any, '4')),
      before.map((line) => line && `    ${line}`),
    );
  }));
