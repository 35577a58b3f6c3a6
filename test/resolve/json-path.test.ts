import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseRef } from '../../agent/api/ref.ts';
import { followJsonPath } from '../../agent/resolve/json-path.ts';
import { readJson } from '../../agent/resolve/json.ts';
import type { Node } from '../../agent/resolve/node.ts';
import { accepted, along, path, quotable, records, reference, tree } from './json-path-cases.ts';

/** A budget without end. */
const free = (): void => {};

test('paths lead where a second reading of the grammar says, to the very nodes', () => {
  const found = { name: 0, all: 0, where: 0 };
  const property = fc.property(
    fc.oneof(tree, records),
    path,
    quotable,
    fc.infiniteStream(fc.nat({ max: 1000 })),
    (value, random, secret, choices) => {
      const root = readJson(JSON.stringify(value));
      const written = along(root, random, choices);
      const text = `$['${secret}']${written.map((part) => part.text).join('')}`;
      fc.pre(accepted(text));
      const ref = parseRef(text);
      assert.ok(ref.kind === 'jsonpath' && ref.secret === secret);
      const steps = written.map(({ step }) => step);
      const ours = followJsonPath(text, root, true, free);
      const wanted = reference(root, steps);
      assert.deepEqual(new Set(ours), new Set(wanted));
      assert.equal(ours.length, wanted.length);
      if (ours.length > 0) found[steps.find(({ kind }) => kind !== 'name')?.kind ?? 'name']++;
    },
  );
  fc.assert(property, { numRuns: 4000 });
  for (const [kind, count] of Object.entries(found)) assert.ok(count > 50, `${kind}: ${count} of 4000`);
});

test('a search compares texts with texts, exactly', () => {
  const items = readJson(
    '[{"k":"7"},{"k":7},{"k":["7"]},{"k":{"a":"7"}},{"k":true},{"k":null},["7"],["a","b"],"7",7,{"k":"x,y"},{"k":["x","y"]},{"j":"7"}]',
  ) as readonly Node[];
  const search = (name: string, equals: string): readonly Node[] =>
    followJsonPath(`$.s[?(@.${name}=='${equals}')]`, items, true, free);
  assert.deepEqual(search('k', '7'), [items[0]]);
  assert.deepEqual(search('k', 'x,y'), [items[10]]);
  for (const equals of ['true', 'null', 'undefined', '[object Object]', ''])
    assert.deepEqual(search('k', equals), []);
  for (const name of ['length', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'k2'])
    for (const equals of ['2', '1', 'undefined', '7']) assert.deepEqual(search(name, equals), [], name);
});

test('a text has no characters, and a list no length', () => {
  const root = readJson('{"t":"text","l":["a"],"n":12}');
  for (const text of [
    '$.t[0]',
    '$.t.length',
    '$.t[*]',
    '$.l.length',
    '$.l.at',
    '$.n[0]',
    '$.n.source',
    '$.t.node',
  ])
    assert.deepEqual(followJsonPath(text, root, false, free), [], text);
});

test('members of any name stay members', () => {
  const root = readJson('{"__proto__":{"a":"1"},"constructor":"2","toString":"3","length":"4"}');
  const at = (text: string): readonly Node[] => followJsonPath(text, root, false, free);
  assert.deepEqual(['$.__proto__.a', '$.constructor', '$.toString', '$.length'].flatMap(at), [
    '1',
    '2',
    '3',
    '4',
  ]);
  assert.deepEqual(at('$.a'), []);
  const search = readJson('{"l":[{"constructor":"x"},{},{"__proto__":"x"},"x",[]]}');
  for (const name of ['constructor', '__proto__'])
    assert.equal(followJsonPath(`$.l[?(@.${name}=='x')]`, search, false, free).length, 1, name);
});

test('steps are counted before they are made', () => {
  const root = readJson('{"a":[{"b":"c"},{"b":"d"},{"b":"e"}]}');
  const counted: number[] = [];
  followJsonPath("$.s.a[?(@.b=='d')].b", root, true, (steps) => counted.push(steps));
  assert.deepEqual(counted, [2, 4, 2]);
  assert.throws(() =>
    followJsonPath('$.s.a[*]', root, true, (steps) => {
      if (steps > 3) throw new Error('too many');
    }),
  );
});
