import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JsonError, readJson } from '../../agent/resolve/json.ts';
import { ExactNumber, isList, isObject, textOf, type Node } from '../../agent/resolve/node.ts';

const compact = (text: string): string => textOf(readJson(text));
const codeOf = (text: string): string => {
  try {
    readJson(text);
  } catch (error) {
    if (error instanceof JsonError) return error.code;
    throw error;
  }
  return 'read';
};

/** What JSON.parse would give. */
function plain(node: Node): unknown {
  if (node instanceof ExactNumber) return Number(node.source);
  if (isList(node)) return node.map(plain);
  if (isObject(node)) return Object.fromEntries([...node].map(([name, member]) => [name, plain(member)]));
  return node;
}

test('numbers stay as they stand', () => {
  for (const number of ['12345678901234567890', '1.0', '1e3', '-0', '0.10', '1E+400', '123.4500']) {
    assert.equal(compact(number), number);
    assert.equal(compact(` [ ${number} , {"a" : ${number}} ] `), `[${number},{"a":${number}}]`);
  }
});

test('members keep their order, and of a repeated one the last counts', () => {
  assert.equal(compact('{"b": 1, "2": 2, "1": 3, "a": 4}'), '{"b":1,"2":2,"1":3,"a":4}');
  assert.equal(compact('{"a":1,"b":2,"a":3}'), '{"a":3,"b":2}');
});

test('__proto__ and constructor are members like others', () => {
  const node = readJson('{"__proto__":{"x":1},"constructor":2}');
  assert.ok(isObject(node));
  assert.deepEqual([...node.keys()], ['__proto__', 'constructor']);
  assert.equal(textOf(node), '{"__proto__":{"x":1},"constructor":2}');
  const empty = readJson('{}');
  assert.ok(isObject(empty) && empty.get('constructor') === undefined);
});

test('what JSON.parse refuses is refused', () => {
  const wrong = [
    '',
    ' ',
    '{',
    '[',
    '"',
    '"\\',
    '"\\"',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    "{'a':1}",
    '[1,]',
    '{"a":1,}',
    '[,1]',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    '0x1',
    'NaN',
    'tru',
    'nul',
    'truefalse',
    '1 2',
    '{} {}',
    '"a\nb"',
    '"\\x"',
    '"\\u12"',
    '\ufeff1',
    '[1 2]',
    '{"a":1 "b":2}',
    '//',
    '\u00a01',
    '"a"b',
    '{"a":1]',
    '[1}',
    'undefined',
    '{not json',
  ];
  for (const text of wrong) {
    assert.throws(() => JSON.parse(text), text);
    assert.equal(codeOf(text), 'NotJson', text);
  }
});

test('nesting ends at 64 levels, however deep it goes', () => {
  assert.equal(codeOf(`${'['.repeat(64)}${']'.repeat(64)}`), 'read');
  assert.equal(codeOf(`${'{"a":'.repeat(64)}1${'}'.repeat(64)}`), 'read');
  assert.equal(codeOf(`${'['.repeat(65)}${']'.repeat(65)}`), 'TooDeep');
  assert.equal(codeOf('['.repeat(3_000_000)), 'TooDeep');
});

test('long texts with many escapes overflow nothing', () => {
  const text = JSON.stringify('"\\\n'.repeat(1_000_000));
  assert.equal((readJson(text) as string).length, 3_000_000);
});

test('any JSON reads as JSON.parse reads it, and prints as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat({ max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const node = readJson(text);
      assert.deepEqual(plain(node), JSON.parse(text));
      if (typeof value !== 'string') assert.equal(textOf(node), JSON.stringify(value));
    }),
    { numRuns: 500 },
  );
});

test('any text is judged as JSON.parse judges it', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'a',
    '"a"',
    '1',
    '-',
    '.',
    'e',
    '0',
    'true',
    'null',
    ' ',
    '\n',
    '\\u0041',
    '\u0007',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      let parsed = true;
      try {
        JSON.parse(text);
      } catch {
        parsed = false;
      }
      assert.equal(codeOf(text), parsed ? 'read' : 'NotJson');
    }),
    { numRuns: 5000 },
  );
});

test('an error says nothing about the text', () => {
  assert.throws(
    () => readJson('s3cr3t'),
    (error: Error) => !`${error.message}${error.stack}`.includes('s3cr3t'),
  );
});
