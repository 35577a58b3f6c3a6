import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FILTERS } from '../../agent/template/filters.ts';
import { parseTemplate } from '../../agent/template/parse.ts';
import { render } from '../../agent/template/render.ts';
import { CountingMeter } from './meter.ts';

const page = readFileSync(new URL('../../docs/templates.md', import.meta.url), 'utf8');
const ROW = /^\| `(\w+)` \| [^|]+ \| `(.*?)` \| (.+?) \| (.+?) \|$/gm;
const rows = Array.from(page.matchAll(ROW), ([, filter, template, value, gives]) => ({
  filter: filter!,
  template: template!.replaceAll('\\|', '|'),
  value: value!,
  gives: gives!,
}));
const quoted = (cell: string): string | undefined => /^`(.*)`$/.exec(cell)?.[1];

test('the page has every filter, and no other', () => {
  assert.deepEqual(
    rows.map(({ filter }) => filter),
    Object.keys(FILTERS),
  );
});

for (const { template, value, gives } of rows) {
  const [given, result] = [quoted(value), quoted(gives)];
  if (given === undefined || result === undefined) continue;
  test(`as the page says, ${template} with ${given} gives ${result}`, () => {
    const find = (path: readonly string[]) => (path.length === 1 ? given : undefined);
    assert.equal(render(parseTemplate(template), find, new CountingMeter()), result);
  });
}

test('what the page says of Helm is what Helm makes of it', () => {
  const [, escaped, raw] = /^template: (".*\{\{ "\{\{" \}\}.*")\ntemplate: (.*)$/m.exec(page)!;
  // An action of a text in quotes or backquotes gives that text.
  const helm = (chart: string): string =>
    chart.replaceAll(
      /\{\{ (?:"([^"]*)"|`([^`]*)`) \}\}/g,
      (_, quoted?: string, raw?: string) => quoted ?? raw!,
    );
  assert.equal(helm(escaped!), '"postgres://{{ user | urlquery }}@db/shop"');
  assert.equal(helm(raw!), helm(escaped!));
});
