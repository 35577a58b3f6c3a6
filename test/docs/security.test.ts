import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('SECURITY.md', root), 'utf8');

test('each attempt that SECURITY.md tells of names the test that makes it', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (attempt|with the token) \|/.test(line));
  assert.ok(rows.length > 20);
  for (const row of rows)
    assert.match(row, /\| `test\/[a-z/-]+\.test\.ts`(, `test\/[a-z/-]+\.test\.ts`)* \|$/);
});

test('the files that SECURITY.md names are there', () => {
  for (const [, path] of page.matchAll(/`((?:test|daemonset)\/[a-z0-9/-]+(?:\.[a-z.]+)?)`/g))
    assert.ok(existsSync(new URL(path!, root)), path);
});
