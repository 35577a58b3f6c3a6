import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTemplate } from '../../agent/template/parse.ts';
import { render } from '../../agent/template/render.ts';
import { shapeOf } from '../../agent/template/shape.ts';
import { TemplateError } from '../../agent/template/template-error.ts';
import { CountingMeter } from './meter.ts';

const SECRET = 'p\'a"s:s\\@/é\n';
const TEXTS: Record<string, string> = {
  user: 'ro ot',
  password: SECRET,
  port: '12345678901234567890',
  empty: '',
  'db.host': 'db.example.com',
  half: 'a\ud800',
  large: 'x'.repeat(1024 * 1024),
};
const find = (path: readonly string[]): string | undefined =>
  Object.hasOwn(TEXTS, path.join('.')) ? TEXTS[path.join('.')] : undefined;
const rendered = (text: string, meter = new CountingMeter()): string =>
  render(parseTemplate(text), find, meter);

const GIVES: [template: string, result: string][] = [
  ['', ''],
  ['{{ user }}:{{ port }}@{{db.host}}', 'ro ot:12345678901234567890@db.example.com'],
  [
    'postgres://{{ user | urlquery }}:{{ password | urlquery }}@db',
    'postgres://ro%20ot:p%27a%22s%3As%5C%40%2F%C3%A9%0A@db',
  ],
  ['{"port":{{ port }},"user":{{ user | json }}}', '{"port":12345678901234567890,"user":"ro ot"}'],
  ['{{ user | append: ":" | append: password | b64enc | b64dec }}', `ro ot:${SECRET}`],
  ['{{ db.port | default: "5432" }}', '5432'],
  ['{{ db.port | trim | default: port }}', '12345678901234567890'],
  ['{{ empty | default: "none" }}', 'none'],
  ['{{ user | default: nowhere }}', 'ro ot'],
  ['{{ empty }}', ''],
  ['{{ "{{ user }}" }}', '{{ user }}'],
];

for (const [template, result] of GIVES) {
  test(`${template || 'nothing'} gives ${JSON.stringify(result)}`, () =>
    assert.equal(rendered(template), result));
}

const FAILS: [template: string, message: RegExp][] = [
  [
    '{{ nope }}',
    /^nope is not there, or null: register it, or give a default: \{\{ nope \| default: "text" \}\}$/,
  ],
  ['{{ db.port | b64enc }}', /^db\.port is not there/],
  ['{{ user | append: db.port }}', /^db\.port is not there/],
  ['{{ user.constructor }}', /^user\.constructor is not there/],
  ['{{ __proto__ }}', /^__proto__ is not there/],
  ['{{ half | b64enc }}', /^half is not Unicode text/],
  ['{{ password | b64dec }}', /^password before the filter b64dec is not base64/],
  ['{{ password | pgpass }}', /^password before the filter pgpass has a line break/],
  ['{{ "a" | b64enc | append: "!" | b64dec }}', /^the text in quotes before the filter b64dec is not base64/],
  [`{{ a${'.b'.repeat(8000)} }}`, /^a\.b/],
];

for (const [template, message] of FAILS) {
  test(`${template.slice(0, 40)} fails, and no value is told`, () => {
    assert.throws(
      () => rendered(template),
      (error) => {
        assert.ok(error instanceof TemplateError);
        assert.match(error.message, message);
        assert.ok(error.message.length < 400);
        for (const value of [SECRET, "p'a", 'ro ot', '\ud800']) assert.ok(!error.message.includes(value));
        return true;
      },
    );
  });
}

const TOO_MUCH: Record<string, string> = {
  'the same value again and again': '{{large}}'.repeat(1_500),
  'nothing at all again and again': '{{""}}'.repeat(2_700) + `{{ large | append: large | append: large }}`,
  'filters that each make it larger': `{{ large ${'| urlquery '.repeat(8)}}}`,
  'a value that grows by its own': `{{ user ${'| append: large '.repeat(8)}}}`,
  'filters that give almost nothing': `{{ large | indent: "40" }}`,
};

for (const [what, template] of Object.entries(TOO_MUCH)) {
  test(`stopped before it is done: ${what}`, () => {
    const meter = new CountingMeter();
    assert.throws(() => rendered(template, meter), /^Error: too much$/);
  });
}

test('a filter does not run while the meter does not allow the largest result', () => {
  // Exactly what is read, what is written once more, and what is put in, each with what a step costs.
  const [read, most] = [5, 9 * 5];
  assert.throws(() => rendered('{{ user | urlquery }}', new CountingMeter(read + 64 + most - 1)), /too much/);
  assert.equal(rendered('{{ user | urlquery }}', new CountingMeter(read + 64 + most + 64)), 'ro%20ot');
});

test('the shape has names where the values will be', () => {
  assert.equal(
    shapeOf(
      parseTemplate(
        'a://{{ user | urlquery }}:{{db.port|default:"5"|trim}}@{{ host }}{{ "{{" }}{{ "x" | b64enc }}',
      ),
    ),
    'a://<user|urlquery>:<db.port|default|trim>@<host>{{<text|b64enc>',
  );
});
