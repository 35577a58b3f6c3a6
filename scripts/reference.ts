import { readFile, writeFile } from 'node:fs/promises';
import { LOGS, REFERENCE, renderLogs, renderReference } from './reference/render.ts';

// Writes the tables of docs/reference.md and docs/logs.md anew from the CRD, the failure vocabulary, the
// environment, the metrics and the log's fields: npm run docs
const PAGES = { [REFERENCE]: renderReference, [LOGS]: renderLogs };
for (const [path, render] of Object.entries(PAGES)) {
  const before = await readFile(path, 'utf8');
  const after = await render(before);
  if (after !== before) await writeFile(path, after);
  console.log(`${path} ${after === before ? 'is up to date' : 'is written anew'}`);
}
