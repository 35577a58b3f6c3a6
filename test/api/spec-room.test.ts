import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import { refreshMark } from '../../agent/api/refresh-mark.ts';
import { MAX_IN_ALL, MAX_IN_NAMESPACE, parseKept, SpecRoom } from '../../agent/api/spec-room.ts';

/** A spec whose JSON has so many characters. */
const spec = (characters: number): object => ({ x: 'x'.repeat(characters - 8) });

test('specs are kept as text, and parsed when they are asked for', () => {
  const kept = new SpecRoom().keep('a/x', { data: [{ key: 'k', ref: 's.a' }] });
  assert.equal(kept.text, '{"data":[{"key":"k","ref":"s.a"}]}');
  assert.equal(parseKept('x', kept).target.name, 'x');
  assert.throws(() => parseKept('x', new SpecRoom().keep('a/x', undefined)), { code: 'InvalidSpec' });
});

test('beyond its share a namespace has no room, and others have theirs', () => {
  const room = new SpecRoom();
  assert.notEqual(room.keep('evil/a', spec(MAX_IN_NAMESPACE - 100)).text, undefined);
  assert.notEqual(room.keep('evil/b', spec(100)).text, undefined);
  const none = room.keep('evil/c', spec(10));
  assert.equal(none.text, undefined);
  assert.throws(
    () => parseKept('c', none),
    (error) => error instanceof Failure && error.code === 'LimitExceeded' && /8,388,608/.test(error.message),
  );
  assert.notEqual(room.keep('good/a', spec(100)).text, undefined);
  // What changes is judged anew, and what goes makes room.
  assert.equal(room.keep('evil/b', spec(101)).text, undefined);
  assert.notEqual(room.keep('evil/b', spec(99)).text, undefined);
  room.drop('evil/a');
  room.drop('evil/a');
  assert.notEqual(room.keep('evil/c', spec(1_000)).text, undefined);
});

test('what is too much in all is taken from those who have most', () => {
  const room = new SpecRoom();
  const good = Array.from({ length: 100 }, (_, index) => room.keep(`good-${index}/a`, spec(1_000)));
  const evil = Array.from({ length: 5_000 }, (_, index) =>
    room.keep(`evil-${index % 5}/${index}`, spec(MAX_IN_NAMESPACE / 1_000)),
  );
  const later = room.keep('late/a', spec(1_000));
  for (const { text } of [...good, later]) assert.notEqual(text, undefined);
  const left = evil.reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
  assert.ok(left < MAX_IN_ALL && left > MAX_IN_ALL / 2, `${left}`);
  // One that is alone may have what nobody else wants.
  for (let index = 0; index < 5_000; index++) room.drop(`evil-${index % 5}/${index}`);
  assert.notEqual(room.keep('evil-0/again', spec(MAX_IN_NAMESPACE)).text, undefined);
});

test('a wish for a refresh is kept as it is, or as a digest if it is long or cannot be shown', () => {
  for (const value of ['', '2026-01-01T00:00:00Z', 'x'.repeat(64)]) assert.equal(refreshMark(value), value);
  for (const value of ['x'.repeat(65), '\u001b[2J', 'é', '\u202e'])
    assert.match(refreshMark(value), /^sha256:[0-9a-f]{64}$/);
  assert.notEqual(refreshMark('\u001b[2J'), refreshMark('\u001b[3J'));
});
