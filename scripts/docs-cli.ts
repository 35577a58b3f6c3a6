import { readFile, writeFile } from 'node:fs/promises';
import { PAGE, renderPage } from './cli-docs/render.ts';

// Runs the commands of docs/kubectl-vsecm.md on the development cluster and writes what they print into the page:
// node --import tsx scripts/docs-cli.ts
const before = await readFile(PAGE, 'utf8');
const after = await renderPage(before);
if (after === before) console.log('docs/kubectl-vsecm.md is up to date');
else {
  await writeFile(PAGE, after);
  console.log('docs/kubectl-vsecm.md is written anew');
}
process.exit(0);
