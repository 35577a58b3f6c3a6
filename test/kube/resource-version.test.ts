import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOlder } from '../../agent/kube/resource-version.ts';

test('versions are compared as the numbers that they are, and what is no number is older than nothing', () => {
  const older: [string, string][] = [
    ['9', '10'],
    ['10', '11'],
    ['9007199254740992', '9007199254740993'],
    ['1', '99999999999999999999'],
  ];
  for (const [a, b] of older) {
    assert.equal(isOlder(a, b), true, `${a} < ${b}`);
    assert.equal(isOlder(b, a), false, `${b} < ${a}`);
  }
  for (const [a, b] of [
    ['7', '7'],
    ['', '7'],
    ['7', ''],
    ['abc', 'abd'],
    ['0', '7'],
    ['-1', '7'],
    ['7.5', '8'],
  ] as const)
    assert.equal(isOlder(a, b), false, `${a} < ${b}`);
});
