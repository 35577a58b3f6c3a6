import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../../agent/api/reasons.ts';
import { likelySecret, parseRef, PUBLIC_REF_RULES, REF_RULES, type Step } from '../../agent/api/ref.ts';
import { firstBroken } from '../../agent/api/rule.ts';
import { GOOD_REFS, HOSTILE_REFS } from './ref-cases.ts';

test('good refs are taken and keep their text', () => {
  for (const text of GOOD_REFS) {
    assert.equal(firstBroken(REF_RULES, text), undefined, text);
    assert.equal(parseRef(text).text, text);
  }
});

test('hostile refs break a rule', () => {
  // Length is the field's business, not the grammar's.
  for (const text of HOSTILE_REFS.filter((ref) => ref.length <= 1024)) {
    assert.notEqual(firstBroken(REF_RULES, text), undefined, JSON.stringify(text));
    assert.throws(
      () => parseRef(text),
      (error) => error instanceof Failure && error.code === 'RefInvalid',
    );
  }
});

test('half a surrogate pair is refused', () => {
  assert.notEqual(firstBroken(REF_RULES, 'a\ud800'), undefined);
});

test('a dotted ref stays whole', () => {
  assert.deepEqual(parseRef('app.b.password'), { kind: 'dotted', text: 'app.b.password' });
  assert.equal(likelySecret(parseRef('app.b.password')), 'app');
  assert.equal(likelySecret(parseRef('app')), 'app');
});

test('a JSONPath is taken apart into the name of the secret and steps', () => {
  const text = "$['app.b'].users[?(@.first-name==')] ^')]['a b'][007].c";
  assert.deepEqual(parseRef(text), {
    kind: 'jsonpath',
    text,
    secret: 'app.b',
    steps: [
      { kind: 'name', name: 'users' },
      { kind: 'where', name: 'first-name', equals: ')] ^' },
      { kind: 'name', name: 'a b' },
      { kind: 'index', index: 7 },
      { kind: 'name', name: 'c' },
    ],
  });
  assert.deepEqual(parseRef('$.s[*]'), {
    kind: 'jsonpath',
    text: '$.s[*]',
    secret: 's',
    steps: [{ kind: 'all' }],
  });
  assert.equal(likelySecret(parseRef("$['app.b'].x")), 'app.b');
});

const plain = { noNullPrototype: true };
const quotable = fc.string({
  unit: fc.constantFrom('a', 'B', '1', '.', ']', '[', ')', '(', '@', '=', '?', '*', '"', ';', 'é', '😀', ' '),
  minLength: 1,
  maxLength: 12,
});
const name = fc.record({ kind: fc.constant('name' as const), name: quotable }, plain);
const step: fc.Arbitrary<Step> = fc.oneof(
  name,
  fc.record({ kind: fc.constant('index' as const), index: fc.nat({ max: 999_999 }) }, plain),
);
const identifier = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,5}$/);
const selector: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ kind: 'all' }),
  fc.record({ kind: fc.constant('where' as const), name: identifier, equals: quotable }, plain),
);

const write = (s: Step): string => {
  switch (s.kind) {
    case 'name':
      return `['${s.name}']`;
    case 'index':
      return `[${s.index}]`;
    case 'all':
      return '[*]';
    case 'where':
      return `[?(@.${s.name}=='${s.equals}')]`;
  }
};

test('every path that is written with the grammar reads back step by step', () => {
  fc.assert(
    fc.property(name, fc.array(step), fc.option(selector), fc.array(step), (secret, before, one, after) => {
      const steps = [...before, ...(one === null ? [] : [one]), ...after];
      const text = `$${[secret, ...steps].map(write).join('')}`;
      assert.deepEqual(parseRef(text), { kind: 'jsonpath', text, secret: secret.name, steps });
    }),
  );
});

test('no text makes the grammar slow', () => {
  for (const part of ["['a']", '[0]', '.a', "[?(@.a=='b')]", "['", "[?(@.a=='", '[', '.', 'a.', "'"]) {
    const text = `$.a${part.repeat(Math.floor(1000 / part.length))}`;
    const begin = performance.now();
    firstBroken(REF_RULES, text);
    assert.ok(performance.now() - begin < 100, part);
  }
});

test('a ref of labels and annotations ends in what the secret lists as public', () => {
  for (const text of ['databaseCredentials.cocaCola.labels.app', 's.annotations.env', 's.labels.a b']) {
    assert.equal(firstBroken(PUBLIC_REF_RULES, text), undefined, text);
  }
  for (const text of [
    's.labels',
    's.password',
    'labels.app',
    '.labels.app',
    's.labels.a.b',
    's.xlabels.a',
    '$.s.labels.app',
    's.labels.',
    's.data.labels.a\n',
    's..labels.a',
  ]) {
    assert.notEqual(firstBroken(PUBLIC_REF_RULES, text), undefined, text);
  }
});
