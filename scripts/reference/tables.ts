import { describeConfig } from '../../agent/config.ts';
import { hintFor, REASONS, type Code } from '../../agent/api/reasons.ts';
import { LOG_FIELDS } from '../../agent/log-fields.ts';
import { createMetrics } from '../../agent/metrics.ts';

/** A schema of OpenAPI, as far as CustomResourceDefinitions use it. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** A row for each field below `schema`, its own first, in the order of the schema. */
export function fieldTable(schema: Schema, prefix = ''): string {
  return table(['field', 'type', 'default', 'meaning'], fields(schema, prefix));
}

function fields(schema: Schema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}${field.items === undefined ? '' : '[]'}`;
    const required = schema.required?.includes(name) === true;
    return [
      [`\`${path}\``, typeOf(field), required ? 'required' : defaultOf(field), field.description ?? ''],
      ...fields(field.items ?? field, `${path}.`),
    ];
  });
}

const typeOf = ({ type = '', enum: values, items }: Schema): string =>
  values !== undefined ? values.map((value) => `\`${String(value)}\``).join(', ') : items ? 'list' : type;

/** An object's default only lets the defaults of its members in. */
const defaultOf = ({ default: value, type }: Schema): string =>
  value === undefined || type === 'object' ? '' : `\`${String(value)}\``;

/** The vocabulary of failures. */
export function codeTable(): string {
  const rows = (Object.keys(REASONS) as Code[]).map((code) => [
    REASONS[code].stage,
    `\`${code}\``,
    REASONS[code].meaning,
    hintFor(code),
  ]);
  return table(['stage', 'code', 'meaning', 'hint'], rows);
}

/** The agent's environment, as `--help` tells it. */
export function environmentTable(): string {
  const entries = describeConfig().matchAll(/^ {2}(\S+)\n {6}(.*)\n {6}default: (.*)$/gm);
  const rows = [...entries].map(([, name = '', meaning = '', fallback = '']) => [
    `\`${name}\``,
    fallback.startsWith('(') ? fallback.slice(1, -1) : `\`${fallback}\``,
    meaning,
  ]);
  return table(['variable', 'default', 'meaning'], rows);
}

export async function metricsTable(): Promise<string> {
  const metrics = await createMetrics().registry.getMetricsAsJSON();
  const rows = metrics.map(({ name, type, help }) => [`\`${name}\``, String(type), help]);
  return table(['metric', 'type', 'meaning'], rows);
}

/** What a line of the log may carry. */
export function logFieldTable(): string {
  const rows = Object.entries(LOG_FIELDS).map(([name, { type, meaning }]) => [
    `\`${name}\``,
    LOG_TYPES[type],
    meaning,
  ]);
  return table(['field', 'type', 'meaning'], rows);
}

const LOG_TYPES = { text: 'string', number: 'number', flag: 'boolean', texts: 'list of strings' };

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Markdown would read these as the end of a cell, or as a tag. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/\s*\n\s*/g, ' ');
