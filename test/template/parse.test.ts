import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FILTERS, filterOf, type FilterName } from '../../agent/template/filters.ts';
import {
  MAX_TEMPLATE_LENGTH,
  namesIn,
  parseTemplate,
  type Operand,
  type Placeholder,
  type Template,
} from '../../agent/template/parse.ts';
import { TemplateError } from '../../agent/template/template-error.ts';

const GOOD: Record<string, Template> = {
  '': [],
  'no placeholder': ['no placeholder'],
  '{{a}}': [{ operand: { path: ['a'] }, steps: [] }],
  '{{ a.b-c.0 }}': [{ operand: { path: ['a', 'b-c', '0'] }, steps: [] }],
  'x{{\n a\t| trim|b64enc }}y': [
    'x',
    { operand: { path: ['a'] }, steps: [{ filter: 'trim' }, { filter: 'b64enc' }] },
    'y',
  ],
  [`{{ a | append: "}} | {{" | append: 'b "c"' | append : d.e }}`]: [
    {
      operand: { path: ['a'] },
      steps: [
        { filter: 'append', argument: { text: '}} | {{' } },
        { filter: 'append', argument: { text: 'b "c"' } },
        { filter: 'append', argument: { path: ['d', 'e'] } },
      ],
    },
  ],
  '{"a":{"b":{{ c | json }}}}': [
    '{"a":{"b":',
    { operand: { path: ['c'] }, steps: [{ filter: 'json' }] },
    '}}',
  ],
  '{{ "{{" }} }} {{ "{%" }}': [
    { operand: { text: '{{' }, steps: [] },
    ' }} ',
    { operand: { text: '{%' }, steps: [] },
  ],
  '{{ __proto__.constructor }}': [{ operand: { path: ['__proto__', 'constructor'] }, steps: [] }],
};

for (const [text, template] of Object.entries(GOOD)) {
  test(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseTemplate(text), template));
}

const WRONG: [text: string, message: RegExp][] = [
  ['{{', /^line 1, column 3: a name or a text in quotes must follow \{\{/],
  ['{{ }}', /^line 1, column 4: a name or/],
  ['{{ a', /^line 1, column 1: this \{\{ has no \}\}$/],
  ['one\n  😀{{ a }', /^line 2, column 4: this \{\{ has no \}\}$/],
  ['{{ a b }}', /^line 1, column 6: \| and a filter, or \}\}, must follow/],
  ['{{ a }} {{ .b }}', /^line 1, column 12: a name .* not with a dot$/],
  ['{{- a -}}', /^line 1, column 3: a name/],
  ['{{{ a }}}', /^line 1, column 3: a name/],
  ['{{ 7 }}', /^line 1, column 4: a name/],
  ['{{ (1..9) }}', /^line 1, column 4: a name/],
  ['{{ "a }}', /^line 1, column 4: a name/],
  ['{{ a. }}', /^line 1, column 6: the name of a member must follow the dot/],
  ['{{ a..b }}', /^line 1, column 6: the name of a member/],
  ['{{ a[0] }}', /^line 1, column 5: \| and a filter/],
  ['{{ a | }}', /^line 1, column 8: the name of a filter must follow \|/],
  ['{{ a | nope }}', /^line 1, column 8: there is no filter nope; there are default, append, trim,/],
  ['{{ a | constructor }}', /^line 1, column 8: there is no filter constructor;/],
  ['{{ a | trim: "x" }}', /^line 1, column 8: trim takes no argument/],
  ['{{ a | append }}', /^line 1, column 8: append takes an argument: append: "text"/],
  ['{{ a | append: }}', /^line 1, column 16: a name or a text in quotes must follow :/],
  ['{{ a | append: "b", "c" }}', /^line 1, column 19: \| and a filter/],
  [
    '{{ a | indent: "41" }}',
    /the argument of indent must be a number of blanks from 0 to 40 in quotes, such as/,
  ],
  ['{{ a | indent: b }}', /the argument of indent must be/],
  [
    '{{ a | filterPEM: "certificate" }}',
    /the argument of filterPEM must be the type of PEM blocks in quotes/,
  ],
  [`{{ a ${'| trim '.repeat(9)}}}`, /there are more than 8 filters in a row/],
  ['{% for a in b %}', /^line 1, column 1: there are no tags here; write \{\{ "\{%" \}\}/],
  ['{{ a }}\n\nb {%', /^line 3, column 3: there are no tags here/],
];

for (const [text, message] of WRONG) {
  test(`says where it does not understand ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(
      () => parseTemplate(text),
      (error) => error instanceof TemplateError && message.test(error.message),
    );
  });
}

test('as many filters as there may be', () => {
  assert.equal((parseTemplate(`{{ a ${'| trim '.repeat(8)}}}`)[0] as Placeholder).steps.length, 8);
});

test('the names of values, not those of members', () => {
  const names = namesIn(parseTemplate('{{ a.b }} {{ "c" | append: d.e | default: a }}'));
  assert.deepEqual([...names], ['a', 'd']);
});

/** Records that are equal to object literals. */
const PLAIN = { noNullPrototype: true } as const;
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,8}$/);
const member = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
const quoted = fc.string({ unit: 'binary' }).filter((text) => !text.includes('"'));
const operand: fc.Arbitrary<Operand> = fc.oneof(
  fc.record({ text: quoted }, PLAIN),
  fc.record(
    { path: fc.tuple(name, fc.array(member, { maxLength: 3 })).map(([first, more]) => [first, ...more]) },
    PLAIN,
  ),
);
const step = fc.constantFrom(...(Object.keys(FILTERS) as FilterName[])).chain((filter) => {
  const { argument } = filterOf(filter);
  if (argument === undefined) return fc.constant({ filter });
  if (argument.accepts === undefined)
    return fc.record({ filter: fc.constant(filter), argument: operand }, PLAIN);
  return fc.constant({ filter, argument: { text: argument.example.slice(1, -1) } });
});
const placeholder = fc.record({ operand, steps: fc.array(step, { maxLength: 8 }) }, PLAIN);
const text = fc
  .string({ unit: 'binary', minLength: 1 })
  .filter((part) => !part.includes('{{') && !part.includes('{%') && !part.endsWith('{'));

const printed = (one: Operand): string => ('text' in one ? `"${one.text}"` : one.path.join('.'));
const print = (part: string | Placeholder): string =>
  typeof part === 'string'
    ? part
    : `{{ ${[printed(part.operand), ...part.steps.map(({ filter, argument }) => (argument ? `${filter}: ${printed(argument)}` : filter))].join(' | ')} }}`;

test('whatever is written down is read again', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, placeholder)), (pairs) => {
      const template = pairs.flat();
      assert.deepEqual(parseTemplate(template.map(print).join('')), template);
    }),
  );
});

// A pattern that tries again from every place would take minutes for these.
test('what is as long as may be is read or refused at once', { timeout: 20_000 }, () => {
  for (const piece of [
    '{{',
    '{',
    '}',
    '{%',
    ' ',
    '"',
    '.',
    '|',
    'a',
    '\n',
    '{{a}}',
    '{{ "',
    "{{ ' | ",
    '{{a|',
    '{{a.',
  ]) {
    for (const [open, close] of [
      ['', ''],
      ['{{ a', ''],
      ['{{ ', ' }}'],
      ['{{ a | ', '}}'],
      ['{{ "', '" }}'],
    ] as const) {
      const long = open + piece.repeat((MAX_TEMPLATE_LENGTH * 2) / piece.length) + close;
      try {
        parseTemplate(long);
      } catch (error) {
        assert.ok(error instanceof TemplateError);
        assert.ok(error.message.length < 400, error.message);
      }
    }
  }
});
