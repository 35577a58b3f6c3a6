import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isOlderVersion } from '../../agent/api/object-meta.ts';

test('versions are compared as numbers of any size, and nothing else is older', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.bigInt({ min: 0n, max: 2n ** 70n }), (a, b) => {
      assert.equal(isOlderVersion(String(a), String(b)), a < b);
    }),
  );
  for (const [a, b] of [
    ['a', '2'],
    ['1', ''],
    ['', '1'],
    ['-1', '1'],
    ['1.0', '2'],
  ] as const)
    assert.equal(isOlderVersion(a, b), false);
});
