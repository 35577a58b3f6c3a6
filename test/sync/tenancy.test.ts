import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../../agent/api/reasons.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import type { Answer, StoredSecret } from '../../agent/sync/answer.ts';
import { resolve } from '../../agent/sync/refs.ts';
import { answerOf, stored } from './stored-secret.ts';

const NOW = Date.UTC(2026, 10, 24, 12);

// Few names, so that prefixes of each other, equal paths and ambiguities are frequent.
const part = fc.constantFrom('a', 'a', 'a', 'b', 'b', 'labels', '0');
const secretName = fc.constantFrom('a', 'a', 'a.a', 'a.b', 'a.a.a', 'b', 'b', 'b.a', 'b.labels', 'vsecm-k');
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    { arbitrary: fc.constantFrom('text', 7, null, null), weight: 1 },
    { arbitrary: fc.array(tie('tree'), { maxLength: 2 }), weight: 1 },
    {
      arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'a.a', 'a.b', 'labels', 'b.labels'), tie('tree'), {
        minKeys: 1,
        maxKeys: 4,
      }),
      weight: 4,
    },
  ),
}));
const content = fc.oneof(
  { arbitrary: tree.map((value) => JSON.stringify(value)), weight: 9 },
  fc.constantFrom('plain', '{broken', 'a:\n  b: c'),
);

const secretOf = (namespaces: string[][]): fc.Arbitrary<StoredSecret> =>
  fc
    .record({
      name: secretName,
      value: content,
      namespaces: fc.constantFrom(...namespaces),
      format: fc.constantFrom('', 'yaml', 'json'),
      shift: fc.constantFrom(-1, 0, 0, 0, 0, 0, 0, 1),
    })
    .map(({ name, value, namespaces, format, shift }) =>
      stored(name, value, {
        namespaces,
        format,
        ...(shift < 0
          ? { expiresAfter: 1n }
          : shift > 0
            ? { notBefore: BigInt(NOW + 1000) * 1_000_000n }
            : {}),
      }),
    );

const mine = secretOf([['team-a'], ['*'], ['team-b', 'team-a']]);
const theirs = secretOf([['team-b'], ['default'], [], [''], ['team-a-2']]);

const dotted = fc
  .tuple(secretName, fc.array(part, { maxLength: 3 }))
  .map(([name, parts]) => [name, ...parts].join('.'));
const step = fc.oneof(
  part.map((name) => `['${name}']`),
  fc.constantFrom('.a', '.b', '[0]', '[1]', "['a.b']"),
);
const jsonPath = fc
  .tuple(
    secretName,
    fc.array(step, { maxLength: 3 }),
    fc.constantFrom('', '[*]', "[?(@.a=='text')]"),
    fc.array(step, { maxLength: 2 }),
  )
  .map(([name, before, one, after]) => `$['${name}']${before.join('')}${one}${after.join('')}`);
const spec = fc.record({
  data: fc.uniqueArray(fc.record({ key: fc.constantFrom('x', 'y', 'z'), ref: fc.oneof(dotted, jsonPath) }), {
    selector: ({ key }) => key,
    minLength: 1,
    maxLength: 2,
  }),
  labels: fc.oneof(
    { arbitrary: fc.constant([]), weight: 4 },
    dotted.map((ref) => [{ key: 'l', ref: `${ref}.labels.a` }]),
  ),
});

/** Everything that may reach the resource's status, Events or Secret. */
function outcome(object: object, answer: Answer): unknown {
  try {
    return resolve(parseSpec({ metadata: { name: 'x' }, spec: object }), {
      answer,
      namespace: 'team-a',
      grants: 'enforce',
      now: NOW,
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, message, context, wakeAt, retryAfterMs, reason } = error;
    return { code, message, context, wakeAt, retryAfterMs, reason };
  }
}

const codes = new Map<string, number>();

test('what a namespace gets does not depend on the secrets of others', () => {
  const property = fc.property(
    spec,
    fc.uniqueArray(mine, { selector: ({ name }) => name, minLength: 2, maxLength: 5 }),
    fc.array(theirs, { maxLength: 6 }),
    fc.boolean(),
    (object, own, foreign, first) => {
      const names = new Set(own.map(({ name }) => name));
      const others = foreign.filter(({ name }) => !names.has(name));
      const alone = outcome(object, answerOf(...own));
      assert.deepEqual(
        outcome(object, first ? answerOf(...others, ...own) : answerOf(...own, ...others)),
        alone,
      );
      assert.deepEqual(outcome(object, answerOf(...own.toReversed())), alone);
      const code = (alone as { code?: string }).code ?? 'Synced';
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
    'Expired',
    'NotYetValid',
  ]) {
    assert.ok((codes.get(code) ?? 0) > 0, `${code}: ${codes.get(code) ?? 0} of 4000`);
  }
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
