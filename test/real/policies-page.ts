import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../docs/policies.md');

/**
 * Asserts that the section of docs/policies.md under `heading` ends with this table, and nothing but it; with
 * UPDATE_SNAPSHOTS=1 writes it there. The words between heading and table are the page's own.
 */
export async function holdTable(heading: string, rows: readonly (readonly string[])[]): Promise<void> {
  const [columns = [], ...cells] = rows;
  const table = [columns, columns.map(() => '---'), ...cells]
    .map((row) => `| ${row.join(' | ')} |\n`)
    .join('');
  const page = await readFile(PAGE, 'utf8');
  const start = page.indexOf(`\n${heading}\n`);
  assert.notEqual(start, -1, `the page has no heading ${heading}`);
  const next = page.indexOf('\n## ', start + 1);
  const section = page.slice(start, next === -1 ? undefined : next);
  const at = section.indexOf('\n| ');
  const wanted = `${at === -1 ? `${section.trimEnd()}\n` : section.slice(0, at)}\n${table}`;
  if (process.env['UPDATE_SNAPSHOTS'] === '1')
    await writeFile(PAGE, page.slice(0, start) + wanted + (next === -1 ? '' : page.slice(next)));
  else assert.deepEqual(differing(wanted, section), differing(section, wanted), 'seen, and on the page');
}

/** Lines of one text that the other does not have in the same place. */
function differing(text: string, other: string): string[] {
  const others = other.split('\n');
  return text.split('\n').filter((line, index) => line !== others[index]);
}
