import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../../agent/api/reasons.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import type { Answer } from '../../agent/resolve/answer.ts';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import type { GrantScope } from '../../agent/resolve/grants.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { resolve } from '../../agent/resolve/refs.ts';
import { answerOf, stored, PLAIN } from './stored-secret.ts';
import { aimed, mine, NOW, spec, theirs } from './tenancy-cases.ts';

/** Everything that may reach the resource's status, Events or Secret. */
function outcome(object: object, answer: Answer, scope: GrantScope = PLAIN): unknown {
  try {
    return atOnce(
      resolve(parseSpec({ metadata: { name: 'x' }, spec: object }), {
        answer,
        namespace: 'team-a',
        grants: 'enforce',
        scope,
        now: NOW,
      }),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, message, context, refs, wakeAt, retryAfterMs, reason } = error;
    return { code, message, context, refs, wakeAt, retryAfterMs, reason };
  }
}

const codes = new Map<string, number>();
let objects = 0;
let searches = 0;
let templates = 0;

test('what a namespace gets does not depend on the secrets of others', () => {
  const property = fc.property(
    spec,
    fc.uniqueArray(mine, { selector: ({ name }) => name, minLength: 2, maxLength: 5 }),
    fc.array(theirs, { maxLength: 6 }),
    fc.boolean(),
    fc.infiniteStream(fc.nat({ max: 9999 })),
    (draft, own, foreign, first, choices) => {
      const names = new Set(own.map(({ name }) => name));
      const others = foreign.filter(({ name }) => !names.has(name));
      const object = aimed(draft, [...own, ...own, ...others], choices);
      const alone = outcome(object, answerOf(...own));
      assert.deepEqual(
        outcome(object, first ? answerOf(...others, ...own) : answerOf(...own, ...others)),
        alone,
      );
      assert.deepEqual(outcome(object, answerOf(...own.toReversed())), alone);
      const code = (alone as { code?: string }).code ?? 'Synced';
      if (object.dataFrom.length > 0 && code === 'Synced') objects++;
      if (/\[\?/.test(JSON.stringify(object)) && code === 'Synced') searches++;
      if (object.values.length > 0 && code === 'Synced') templates++;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    },
  );
  fc.assert(property, { numRuns: 4000 });
  // The property would be worth nothing if the worlds were all alike.
  for (const code of [
    'Synced',
    'NotGranted',
    'RefNotFound',
    'RefAmbiguous',
    'RefIsNull',
    'RefInvalid',
    'ValueInvalid',
    'TemplateFailed',
    'Expired',
    'NotYetValid',
  ]) {
    assert.ok((codes.get(code) ?? 0) > 0, `${code}: ${codes.get(code) ?? 0} of 4000`);
  }
  assert.ok(
    objects > 20 && searches > 5 && templates > 3,
    `${objects} with dataFrom, ${searches} with a search, ${templates} with templates`,
  );
});

/** In a Safe elsewhere, where this cluster is called so. */
const THERE: GrantScope = { as: 'a.example', qualified: true };
const granted = (secret: StoredSecret, ...namespaces: string[]): StoredSecret => ({ ...secret, namespaces });
/** Grants of a Safe elsewhere that mean no namespace of this cluster. */
const NOT_HERE = [
  ['team-a'],
  ['*'],
  ['b.example/team-a', '*/team-a'],
  ['a.example/team-b'],
  ['a.example', 'a.example/'],
];

test('in a Safe elsewhere only grants that name this cluster count, and nothing else of it is different', () => {
  const property = fc.property(
    spec,
    fc.uniqueArray(mine, { selector: ({ name }) => name, minLength: 2, maxLength: 5 }),
    fc.array(fc.tuple(mine, fc.constantFrom(...NOT_HERE)), { maxLength: 6 }),
    fc.infiniteStream(fc.nat({ max: 9999 })),
    (draft, own, foreign, choices) => {
      const names = new Set(own.map(({ name }) => name));
      const others = foreign.flatMap(([secret, namespaces]) =>
        names.has(secret.name) ? [] : [granted(secret, ...namespaces)],
      );
      const object = aimed(draft, [...own, ...own, ...others], choices);
      const there = own.map((secret) =>
        granted(secret, ...secret.namespaces.map((name) => `a.example/${name}`)),
      );
      const [home, abroad] = [
        outcome(object, answerOf(...own)),
        outcome(object, answerOf(...others, ...there), THERE),
      ] as { context?: object }[];
      // A failure also says where to register, and for whom.
      const told = { grantee: 'a.example/team-a', elsewhere: true };
      const wanted = home?.context === undefined ? home : { ...home, context: { ...told, ...home.context } };
      assert.deepEqual(abroad, wanted);
    },
  );
  fc.assert(property, { numRuns: 1000 });
});

test('ten thousand secrets of others do not make a look-up slower', () => {
  const own = Array.from({ length: 10 }, (_, i) => stored(`mine-${i}`, { a: `${i}` }));
  const others = Array.from({ length: 10_000 }, (_, i) =>
    stored(`other-${i}`, '{'.repeat(100), { namespaces: ['team-b'] }),
  );
  const object = { data: own.map(({ name }) => ({ key: name, ref: `${name}.a` })) };
  const time = (answer: Answer): number => {
    const runs = Array.from({ length: 21 }, () => {
      const begin = performance.now();
      for (let i = 0; i < 50; i++) outcome(object, answer);
      return performance.now() - begin;
    });
    return runs.toSorted((a, b) => a - b)[0]!;
  };
  const alone = time(answerOf(...own));
  const together = time(answerOf(...others, ...own));
  assert.ok(together < 5 * alone + 5, `${together} ms instead of ${alone} ms`);
});
