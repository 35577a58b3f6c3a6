import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fingerprint } from '../../agent/fingerprint.ts';

test('a fingerprint tells apart where one part ends and the next begins', () => {
  const parts = fc.array(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 8 })), { maxLength: 5 });
  const plain = (all: (string | Uint8Array)[]): string =>
    JSON.stringify(all.map((part) => (typeof part === 'string' ? ['s', part] : ['b', ...part])));
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      assert.equal(fingerprint(one) === fingerprint(other), plain(one) === plain(other));
    }),
  );
  assert.notEqual(fingerprint(['a1', 'b']), fingerprint(['a', '1b']));
  assert.notEqual(fingerprint(['ab']), fingerprint([Buffer.from('ab')]));
  assert.notEqual(fingerprint([]), fingerprint(['']));
});
