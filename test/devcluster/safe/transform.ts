import { goFloat, parseObject } from './go-json.ts';
import { goYaml } from './go-yaml.ts';
import { NotRecorded } from './not-recorded.ts';

/** `valueTransformed` as VSecM Safe 0.28 computes it when a secret is registered. */
export function transform(value: string, template: string, format: string): string {
  // Trimmed also where nobody asked for a transformation, unless nothing would be left.
  const unchanged = value.trim() || value;
  const members = parseObject(value);
  if (!members) return unchanged;
  if (template === '') return format === 'yaml' ? yamlOr(value, unchanged) : unchanged;
  const filled = fill(template, members);
  const output = filled === undefined ? '' : dropPieces(filled);
  if (output === '') return unchanged;
  if (format === 'json') return isJson(output) ? output : unchanged;
  return format === 'yaml' ? yamlOr(output, output) : output;
}

/** The output is split at commas, values' commas too, and a piece without a colon is lost. */
const dropPieces = (output: string): string =>
  output
    .split(',')
    .filter((piece) => piece.includes(':'))
    .join(',');

/** Fills `{{.name}}`; `undefined` if the template does not parse. */
function fill(template: string, members: ReadonlyMap<string, unknown>): string | undefined {
  const filled = template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_action, name: string) =>
    print(members.get(name)),
  );
  const rest = template.replace(/\{\{\s*\.\w+\s*\}\}/g, '');
  if (!rest.includes('{{')) return filled;
  if (rest.includes('}}')) throw new NotRecorded('templates of more than fields');
  return undefined;
}

function print(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (typeof value === 'number') return goFloat(value);
  if (typeof value === 'string') return value;
  throw new NotRecorded('templates over anything but texts and numbers');
}

function yamlOr(json: string, otherwise: string): string {
  const parsed = parseObject(json);
  return parsed ? goYaml(Object.fromEntries(parsed)) : otherwise;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
