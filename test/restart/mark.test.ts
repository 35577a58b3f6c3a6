import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isQualifiedName } from '../../agent/api/syntax.ts';
import { markOf } from '../../agent/restart/mark.ts';

const policy = readFileSync(
  new URL('../../daemonset/optional/restart/10-workloads-policy.yaml', import.meta.url),
  'utf8',
);
const admitted = new RegExp(/k\.matches\('([^']+)'\)/.exec(policy)![1]!);

test('a mark names its Secret', () => {
  assert.equal(markOf('database-credentials'), 'vsecm.com/secret.database-credentials');
  const longest = 'a'.repeat(56);
  assert.equal(markOf(longest), `vsecm.com/secret.${longest}`);
  assert.equal(markOf(`${longest}a`), `vsecm.com/secret.${'a'.repeat(45)}-f13b2d7246`);
});

test('every Secret has a mark of its own that Kubernetes and the policy take', () => {
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
  const name = fc
    .array(label, { minLength: 1, maxLength: 14 })
    .map((labels) => labels.join('.'))
    .filter((text) => text.length <= 253);
  fc.assert(
    fc.property(name, name, (one, other) => {
      const mark = markOf(one);
      assert.ok(isQualifiedName(mark), mark);
      assert.match(mark, admitted);
      assert.equal(mark === markOf(other), one === other);
    }),
    { numRuns: 500 },
  );
});
