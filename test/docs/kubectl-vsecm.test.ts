import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { COMMANDS } from '../../agent/cli/run.ts';
import { PAGE, renderPage } from '../../scripts/cli-docs/render.ts';

test('the page of kubectl vsecm shows what its commands print', async () => {
  const text = await readFile(PAGE, 'utf8');
  assert.equal(await renderPage(text), text, 'run: node --import tsx scripts/docs-cli.ts');
  assert.doesNotMatch(text, /s3cr3t/);
  for (const { name } of COMMANDS) assert.match(text, new RegExp(`^\\$ kubectl vsecm ${name}`, 'm'));
});
