import { readFile, writeFile } from 'node:fs/promises';
import { REFERENCE, renderReference } from './reference/render.ts';

// Writes the tables of docs/reference.md anew from the CRD, the failure vocabulary, the environment and the
// metrics: node --import tsx scripts/reference.ts
const before = await readFile(REFERENCE, 'utf8');
const after = await renderReference(before);
if (after === before) console.log('docs/reference.md is up to date');
else {
  await writeFile(REFERENCE, after);
  console.log('docs/reference.md is written anew');
}
