import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import {
  codeTable,
  environmentTable,
  fieldTable,
  logFieldTable,
  metricsTable,
  type Schema,
} from './tables.ts';

const ROOT = join(import.meta.dirname, '../..');
export const REFERENCE = join(ROOT, 'docs/reference.md');
export const LOGS = join(ROOT, 'docs/logs.md');

/** The reference as it should stand: what is between `<!-- NAME -->` and `<!-- /NAME -->` comes from the code. */
export async function renderReference(text: string): Promise<string> {
  const crd = load(await readFile(join(ROOT, 'daemonset/10-vsecmsecret-crd.yaml'), 'utf8')) as {
    spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
  };
  const { spec, status } = crd.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  const tables: Record<string, string> = {
    spec: fieldTable(spec ?? {}),
    status: fieldTable(status ?? {}),
    codes: codeTable(),
    environment: environmentTable(),
    metrics: await metricsTable(),
  };
  return Object.entries(tables).reduce(insert, text);
}

/** The page about the log as it should stand. */
export const renderLogs = (text: string): string => insert(text, ['fields', logFieldTable()]);

function insert(text: string, [name, table]: [string, string]): string {
  const [before, rest] = text.split(`<!-- ${name} -->`);
  const [, after] = rest?.split(`<!-- /${name} -->`) ?? [];
  if (before === undefined || after === undefined) throw new Error(`there is no place for: ${name}`);
  return `${before}<!-- ${name} -->\n${table}\n<!-- /${name} -->${after}`;
}
