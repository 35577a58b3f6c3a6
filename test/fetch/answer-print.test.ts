import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Answer, StoredSecret } from '../../agent/resolve/answer.ts';
import { AnswerPrint } from '../../agent/fetch/answer-print.ts';
import { answerOf, stored } from '../resolve/stored-secret.ts';

const changed = (before: Answer, now: Answer): string[] | 'all' => {
  const found = new AnswerPrint(now).changedSince(new AnswerPrint(before));
  return found === 'all' ? found : [...found].sort();
};
const unnamed = (value: string): Answer => ({ kind: 'unnamed', value });

test('the first answer changes everything', () => {
  assert.equal(new AnswerPrint(answerOf(stored('a', '1'))).changedSince(undefined), 'all');
  assert.equal(new AnswerPrint(unnamed('x')).changedSince(undefined), 'all');
});

test('the order in which Safe lists its secrets is no change', () => {
  const secrets = fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([name]) => name });
  const twice = secrets.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
  );
  const answer = (all: [string, string][]): Answer =>
    answerOf(...all.map(([name, text]) => stored(name, text)));
  fc.assert(fc.property(twice, ([one, other]) => assert.deepEqual(changed(answer(one), answer(other)), [])));
});

const EACH_FIELD: { [K in Exclude<keyof StoredSecret, 'name' | 'updatedAt'>]: StoredSecret[K] } = {
  value: 'other',
  valueTransformed: 'other',
  template: '{{.a}}',
  format: 'yaml',
  namespaces: ['team-a', 'team-b'],
  updated: '2026-11-24T00:00:00.000000001Z',
  notBefore: 1n,
  expiresAfter: 1n,
};

for (const [field, value] of Object.entries(EACH_FIELD))
  test(`another ${field} is a change of that secret alone`, () => {
    const other = stored('a', '1');
    const before = answerOf(stored('a', '1'), stored('b', '1'));
    const now = answerOf({ ...other, [field]: value }, stored('b', '1'));
    assert.deepEqual(changed(before, now), ['a']);
  });

test('a value that moves from one field into another is a change', () => {
  const before = answerOf(stored('a', '1', { template: 'x', format: '' }));
  assert.deepEqual(changed(before, answerOf(stored('a', '1', { template: '', format: 'x' }))), ['a']);
});

test('a secret that comes or goes is a change of that one', () => {
  const one = answerOf(stored('a', '1'));
  const two = answerOf(stored('a', '1'), stored('b', '1'));
  assert.deepEqual(changed(one, two), ['b']);
  assert.deepEqual(changed(two, one), ['b']);
  assert.deepEqual(changed(answerOf(), two), ['a', 'b']);
});

test('names that are members of every object are names like others', () => {
  const names = ['__proto__', 'constructor', 'toString', ''];
  const all = (text: string): Answer => answerOf(...names.map((name) => stored(name, text)));
  assert.deepEqual(changed(all('1'), all('1')), []);
  assert.deepEqual(changed(all('1'), all('2')), [...names].sort());
});

test('between an answer with names and one without nobody can tell what changed', () => {
  const named = answerOf(stored('a', '1'));
  assert.equal(changed(named, unnamed('1')), 'all');
  assert.equal(changed(unnamed('1'), named), 'all');
  assert.equal(changed(unnamed('1'), answerOf()), 'all');
  assert.equal(changed(unnamed('1'), unnamed('2')), 'all');
  assert.deepEqual(changed(unnamed('1'), unnamed('1')), []);
});

test('a print tells how many secrets there were, and whether they had names', () => {
  const named = new AnswerPrint(answerOf(stored('a', '1'), stored('b', '1')));
  assert.deepEqual([named.secrets, named.named], [2, true]);
  const bare = new AnswerPrint(unnamed('1'));
  assert.deepEqual([bare.secrets, bare.named], [0, false]);
});

test('no way of printing a print shows a value, or a plain digest of one', () => {
  const print = new AnswerPrint(answerOf(stored('a', 's3cret')));
  assert.doesNotMatch(JSON.stringify(print) + String(print), /s3cret/);
});
