import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentOf, wholeText } from '../../agent/resolve/document.ts';
import { textOf } from '../../agent/resolve/node.ts';
import { stored } from './stored-secret.ts';

const treeOf = (value: string, format = ''): string => {
  const document = documentOf(stored('s', value, { format }));
  return document.kind === 'tree' ? textOf(document.root) : document.kind;
};

test('a content is JSON, or YAML if its format says so, or text', () => {
  assert.equal(treeOf('{"a": 1.0}'), '{"a":1.0}');
  assert.equal(treeOf('{"a": 1.0}', 'yaml'), '{"a":1.0}');
  assert.equal(treeOf('a: 1.0', 'yaml'), '{"a":1.0}');
  assert.equal(treeOf('a: 1.0'), 'text');
  assert.equal(treeOf('a: 1.0', 'json'), 'text');
  assert.equal(treeOf('{not json'), 'text');
});

test('scalars of YAML stay as they stand', () => {
  const yaml =
    'n: 12345678901234567890\nf: 1.0\ne: 1e3\no: 012\nh: 0x1f\nd: 2020-01-01\nt: true\ny: yes\nq: "7"\nz: null\nt2: ~\nm: |\n  a\n  b\n1: one\ntrue: two\n';
  assert.equal(
    treeOf(yaml, 'yaml'),
    '{"n":12345678901234567890,"f":1.0,"e":1e3,"o":"012","h":"0x1f","d":"2020-01-01","t":true,"y":"yes","q":"7","z":null,"t2":null,"m":"a\\nb\\n","1":"one","true":"two"}',
  );
});

test('__proto__ in YAML is a member like others', () => {
  assert.equal(
    treeOf('__proto__:\n  x: y\nb: [1, {c: d}]', 'yaml'),
    '{"__proto__":{"x":"y"},"b":[1,{"c":"d"}]}',
  );
});

test('YAML with aliases, too deep, repeated, of several documents, or not YAML is unreadable', () => {
  for (const text of [
    'a: &x 1\nb: *x',
    `a: ${'['.repeat(65)}${']'.repeat(65)}`,
    'a: 1\na: 2',
    'a: 1\n---\nb: 2',
    '{"USER":"root","PASS":"a',
    '? [a]\n: b',
    'a: !!js/function x',
    'a: !!binary eA==',
    '',
  ]) {
    assert.equal(treeOf(text, 'yaml'), 'unreadable', text);
  }
  assert.equal(treeOf(`${'['.repeat(65)}${']'.repeat(65)}`), 'unreadable');
});

test('aliases that stand for gigabytes cost nothing', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'
      .split('')
      .map((c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]`),
  ].join('\n');
  const begin = performance.now();
  assert.equal(treeOf(bomb, 'yaml'), 'unreadable');
  assert.ok(performance.now() - begin < 200);
});

test('without a template the value counts, with one what Safe made of it', () => {
  const value = '{"n":12345678901234567890}';
  const transformed = '{"N":"1"}';
  const look = (template: string, valueTransformed = transformed): string => {
    const document = documentOf(stored('s', value, { template, valueTransformed, format: 'json' }));
    return document.kind === 'tree' ? textOf(document.root) : document.kind;
  };
  assert.equal(look(''), value);
  assert.equal(look('{"N":"{{.n}}"}'), transformed);
  assert.equal(look('{{.x}}', ''), value);
});

test('a whole secret is the text that Safe serves, untrimmed without template and format', () => {
  const pem = '-----BEGIN X-----\nabc\n-----END X-----\n';
  const change = { valueTransformed: pem.trim() };
  assert.equal(wholeText(stored('s', pem, change)), pem);
  assert.equal(wholeText(stored('s', pem, { ...change, format: 'json' })), pem.trim());
  assert.equal(wholeText(stored('s', pem, { ...change, template: '{{.}}' })), pem.trim());
  assert.equal(wholeText(stored('s', pem, { template: '{{.}}', valueTransformed: '' })), pem);
});

test('a content is taken apart once', () => {
  const secret = stored('s', { a: 1 });
  assert.equal(documentOf(secret), documentOf(secret));
});
