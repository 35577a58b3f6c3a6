import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import { likelySecret, parseRef, pathSteps, PUBLIC_REF_RULES, REF_RULES } from '../../agent/api/ref.ts';
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

test('the steps of a JSONPath are what it says', () => {
  assert.deepEqual(pathSteps("$['a b'].c-d[7][*]['0'][?(@.name=='].x[*')]"), [
    { kind: 'name', name: 'a b' },
    { kind: 'name', name: 'c-d' },
    { kind: 'name', name: '7' },
    { kind: 'all' },
    { kind: 'name', name: '0' },
    { kind: 'where', name: 'name', equals: '].x[*' },
  ]);
});

test('of a JSONPath the name of the secret is known, and what follows it', () => {
  const text = "$['app.b'].users[?(@.name=='[?(')]['a b'][7].c";
  assert.throws(() => parseRef(text), Failure);
  const cases: [text: string, secret: string, whole: boolean][] = [
    ['$.s', 's', true],
    ["$['app.b']", 'app.b', true],
    ["$['app.b'].x", 'app.b', false],
    ['$.s[*]', 's', false],
    ["$.s.users[?(@.name=='?')]['a b'][7].c", 's', false],
  ];
  for (const [text, secret, whole] of cases) {
    assert.deepEqual(parseRef(text), { kind: 'jsonpath', text, secret, whole });
    assert.equal(likelySecret(parseRef(text)), secret);
  }
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
