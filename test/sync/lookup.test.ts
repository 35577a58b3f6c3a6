import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JSONPath } from 'jsonpath-plus';
import { parseRef } from '../../agent/api/ref.ts';
import { VisibleSecrets } from '../../agent/sync/grants.ts';
import { lookUp } from '../../agent/sync/lookup.ts';
import { textOf } from '../../agent/sync/node.ts';
import { stored } from './stored-secret.ts';

// The agent follows JSONPaths itself: its grammar leaves names, indices and one search, and jsonpath-plus gets
// some of that wrong: a name with a dash in a search, `)]` in its text, names with brackets or carets, a list
// or an object compared with a text (hence === below), and [0] of a text, which is its first character. Where it is right, both must agree.
const names = fc.constantFrom('a', 'b', 'name');
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'tree' },
    fc.constantFrom('x', 'y', true, 12),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(names, tie('tree'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const step = fc.oneof(
  names.map((name) => `.${name}`),
  names.map((name) => `['${name}']`),
  fc.nat({ max: 2 }).map((index) => `[${index}]`),
);
const path = fc
  .tuple(
    fc.array(step, { maxLength: 2 }),
    fc.constantFrom('', '[*]', "[?(@.name=='x')]", "[?(@.a=='y')]"),
    fc.array(step, { maxLength: 2 }),
  )
  .map(([before, one, after]) => `${before.join('')}${one}${after.join('')}`)
  .filter((text) => text !== '');

test('paths lead where jsonpath-plus says', () => {
  let found = 0;
  const property = fc.property(
    fc.oneof(fc.array(tree), fc.dictionary(names, tree, { noNullPrototype: true })),
    path,
    (document, text) => {
      const secrets = new VisibleSecrets(new Map([['s', stored('s', document)]]), 'team-a', 'enforce');
      const ours = lookUp(parseRef(`$.s${text}`), secrets, 'any').matches.map(({ node }) => textOf(node));
      const theirs = (
        JSONPath({
          path: `$${text.replace('==', '===')}`,
          json: document,
          eval: 'safe',
          resultType: 'all',
        }) as { value: unknown; parent: unknown }[]
      )
        .filter(({ parent }) => typeof parent !== 'string')
        .map(({ value }) => (typeof value === 'string' ? value : JSON.stringify(value)));
      JSONPath.clearCache();
      assert.deepEqual(ours, theirs.slice(0, 2));
      found += ours.length > 0 ? 1 : 0;
    },
  );
  fc.assert(property, { numRuns: 3000 });
  assert.ok(found > 100, `${found} paths led anywhere`);
});
