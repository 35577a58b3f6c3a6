import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Code, Failure } from '../../agent/api/reasons.ts';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import { LIMITS } from '../../agent/resolve/budget.ts';
import { contentOf, failureOf } from './content.ts';
import { stored } from './stored-secret.ts';

const SECRET = 's3cr3t';
const LEAVES = {
  text: `${SECRET} "x"`,
  empty: '',
  flag: false,
  nul: null,
  object: { a: 1, deep: { b: SECRET } },
  list: [1, 'b'],
  'dotted.name': 'd',
  half: 'a\ud800',
};
// JSON.stringify has no such numbers.
const leaves = stored('s', JSON.stringify(LEAVES).replace(/}$/, ',"big":12345678901234567890,"exp":1.0e3}'));

const composed = (template: string, refs: Record<string, string>, ...secrets: StoredSecret[]): string =>
  contentOf(specOf(template, refs), ...secrets)['k']!;
const specOf = (template: string, refs: Record<string, string>): object => ({
  values: Object.entries(refs).map(([name, ref]) => ({ name, ref })),
  data: [{ key: 'k', template }],
});
const failing = (template: string, refs: Record<string, string>, ...secrets: StoredSecret[]): Failure =>
  failureOf(() => composed(template, refs, ...secrets));

const TEXTS: [ref: string, text: string][] = [
  ['s.text', `${SECRET} "x"`],
  ['s.empty', ''],
  ['s.flag', 'false'],
  ['s.big', '12345678901234567890'],
  ['s.exp', '1.0e3'],
  ['s.object', `{"a":1,"deep":{"b":"${SECRET}"}}`],
  ['s.list', '[1,"b"]'],
  ['s.dotted.name', 'd'],
  ['$.s.list[1]', 'b'],
];

for (const [ref, text] of TEXTS) {
  test(`a template has ${ref} as data has it`, () => {
    assert.equal(composed('<{{ v }}>', { v: ref }, leaves), `<${text}>`);
    assert.equal(composed('{{ v | json }}', { v: ref }, leaves), JSON.stringify(text));
    assert.equal(contentOf({ data: [{ key: 'k', ref }] }, leaves)['k'], text);
  });
}

test('a secret that is named alone is its text, and the object in it has members', () => {
  const secret = stored('db', { user: 'root', port: 5432 });
  assert.equal(composed('{{ db }}', { db: 'db' }, secret), '{"user":"root","port":5432}');
  assert.equal(composed('{{ db.user }}:{{ db.port }}', { db: 'db' }, secret), 'root:5432');
  const yaml = stored('db', 'user: root\nport: 0012\n', { format: 'yaml' });
  assert.equal(composed('{{ db.user }}:{{ db.port }}', { db: 'db' }, yaml), 'root:0012');
});

const MISSING: [template: string, ref: string, code: Code, message: RegExp][] = [
  ['{{ v.nothing }}', 's', 'TemplateFailed', /^spec\.data\[0\]\.template: v\.nothing is not there, or null/],
  ['{{ v.nul }}', 's', 'TemplateFailed', /^spec\.data\[0\]\.template: v\.nul is not there, or null/],
  ['{{ v.object.deep.c }}', 's', 'TemplateFailed', /: v\.object\.deep\.c is not there/],
  ['{{ v.text.length }}', 's', 'TemplateFailed', /: v\.text\.length is not there/],
  ['{{ v.list.0 }}', 's', 'TemplateFailed', /: v\.list\.0 is not there/],
  ['{{ v.constructor }}', 's', 'TemplateFailed', /: v\.constructor is not there/],
  ['{{ v.__proto__ }}', 's', 'TemplateFailed', /: v\.__proto__ is not there/],
  ['{{ v.size }}', 's', 'TemplateFailed', /: v\.size is not there/],
  ['{{ v.a }}', 's.text', 'TemplateFailed', /: v\.a is not there/],
  ['{{ v.half }}', 's', 'TemplateFailed', /: v\.half is not Unicode text/],
  ['{{ v.text | b64dec }}', 's', 'TemplateFailed', /: v\.text before the filter b64dec is not base64/],
  ['{{ v }}', 's.nul', 'RefIsNull', /^spec\.values\[0\]\.ref \(s\.nul\): the value there is null/],
  ['{{ v | default: "x" }}', 's.gone', 'RefNotFound', /^spec\.values\[0\]\.ref \(s\.gone\): /],
  ['without it', 's.gone', 'RefNotFound', /^spec\.values\[0\]\.ref \(s\.gone\): /],
  ['{{ v | default: "x" }}', 'theirs', 'NotGranted', /^spec\.values\[0\]\.ref \(theirs\): /],
  ['{{ v.a | default: "x" }}', 'theirs', 'NotGranted', /^spec\.values\[0\]\.ref \(theirs\): /],
];

for (const [template, ref, code, message] of MISSING) {
  test(`${template} with v of ${ref} is ${code}`, () => {
    const theirs = stored('theirs', { a: SECRET }, { namespaces: ['team-b'] });
    const failure = failing(template, { v: ref }, leaves, theirs);
    assert.equal(failure.code, code);
    assert.match(failure.message, message);
    assert.doesNotMatch(failure.message, /s3cr3t/);
  });
}

test('a default stands for a member, not for a ref', () => {
  const template = '{{ v.nothing | default: "a" }}{{ v.nul | default: v.flag }}{{ v.empty | default: "c" }}';
  assert.equal(composed(template, { v: 's' }, leaves), 'afalsec');
});

test('a value is written nowhere by itself, and a template sees no key, label or secret', () => {
  const spec = {
    values: [{ name: 'v', ref: 's.text' }],
    data: [
      { key: 'a', ref: 's.flag' },
      { key: 'b', template: '{{ v }}' },
    ],
  };
  assert.deepEqual(contentOf(spec, leaves), { a: 'false', b: LEAVES.text });
  for (const name of ['a', 's', 'spec'])
    assert.equal(failing(`{{ ${name} }}`, { v: 's.text' }, leaves).code, 'InvalidSpec');
});

test('what a template gives is decoded if that is asked', () => {
  const data = [{ key: 'k', template: 'czNj\n{{ v }}', decode: 'Base64' }];
  const values = [{ name: 'v', ref: 'half' }];
  assert.deepEqual(contentOf({ values, data }, stored('half', 'cjN0')), { k: 's3cr3t' });
  const failure = failureOf(() => contentOf({ values, data }, stored('half', '!')));
  assert.equal(failure.code, 'ValueInvalid');
});

test('all templates that fail are told, and none while a value is missing', () => {
  const spec = {
    values: [{ name: 'v', ref: 's' }],
    data: [
      { key: 'a', template: '{{ v.no }}' },
      { key: 'b', template: '{{ v.nul }}' },
      { key: 'c', ref: 's.gone' },
    ],
  };
  assert.deepEqual(failureOf(() => contentOf(spec, leaves)).refs, [
    { where: 'spec.data[0].template', ref: '', code: 'TemplateFailed' },
    { where: 'spec.data[1].template', ref: '', code: 'TemplateFailed' },
    { where: 'spec.data[2].ref', ref: 's.gone', code: 'RefNotFound' },
  ]);
  assert.deepEqual(failureOf(() => contentOf(spec, stored('t', '{}'))).refs, [
    { where: 'spec.values[0].ref', ref: 's', code: 'NotGranted' },
    { where: 'spec.data[2].ref', ref: 's.gone', code: 'NotGranted' },
  ]);
});

const MIB = 1024 * 1024;
const large = stored('large', 'x'.repeat(MIB / 2));
const TOO_MUCH: [what: string, templates: string[], code: Code][] = [
  ['more than a Secret holds', ['{{ v }}{{ v }}x'], 'SecretTooLarge'],
  ['more than a Secret holds, in several keys', Array(3).fill('{{ v }}'), 'SecretTooLarge'],
  ['filters that each make it larger', [`{{ v ${'| urlquery '.repeat(8)}}}`], 'LimitExceeded'],
  ['a value again and again', [`{{ v ${'| append: v '.repeat(8)}}}`], 'LimitExceeded'],
  ['work of which little is left', Array(200).fill('{{ v | append: v | b64dec | trim }}'), 'LimitExceeded'],
  [
    'steps that give nothing',
    Array(30)
      .fill(`{{""${'|trim'.repeat(8)}}}`.repeat(20))
      .concat('{{ v }}'.repeat(8)),
    'LimitExceeded',
  ],
  ['output in one template', ['{{v}}'.repeat(3_000)], 'LimitExceeded'],
];

for (const [what, templates, code] of TOO_MUCH) {
  test(`stopped within the budget of the resource: ${what}`, () => {
    const spec = {
      values: [{ name: 'v', ref: 'large' }],
      data: templates.map((template, index) => ({ key: `k${index}`, template })),
    };
    const failure = failureOf(() => contentOf(spec, large));
    assert.equal(failure.code, code);
    assert.ok(failure.message.length < 400);
  });
}

test('a Secret can be filled by one template', () => {
  const content = contentOf(specOf('{{ v }}{{ v }}', { v: 'large' }), large)['k']!;
  assert.equal(content.length, LIMITS.bytes.most);
});
