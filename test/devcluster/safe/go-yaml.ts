import { goFloat, isObject } from './go-json.ts';
import { NotRecorded } from './not-recorded.ts';

const INDENT = '    ';
/** Texts that YAML 1.1 or 1.2 would read as something else: booleans, null, numbers, dates. */
const AMBIGUOUS = /^(y|n|yes|no|on|off|true|false|null|~|[-+.]?\d.*)$/i;
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9 _.-]*$/;

/** A JSON object as VSecM Safe prints it in YAML: sorted keys, indented by four, all numbers as floats. */
export function goYaml(object: Readonly<Record<string, unknown>>, indent = ''): string {
  const lines = Object.keys(object)
    .sort()
    .map((key) => `${indent}${text(key)}:${member(object[key], indent)}`);
  return `${lines.join('\n')}\n`;
}

function member(value: unknown, indent: string): string {
  if (isObject(value) && Object.keys(value).length > 0)
    return `\n${goYaml(value, indent + INDENT).slice(0, -1)}`;
  if (value === null) return ' null';
  if (typeof value === 'boolean') return ` ${value}`;
  if (typeof value === 'number') return ` ${goFloat(value)}`;
  if (typeof value !== 'string') throw new NotRecorded('lists and empty objects inside the format yaml');
  const lines = value.split('\n');
  if (lines.length === 1) return ` ${text(value)}`;
  if (!lines.every((line) => PLAIN.test(line))) throw new NotRecorded('these lines in the format yaml');
  return ` |-${lines.map((line) => `\n${indent}${INDENT}${line}`).join('')}`;
}

function text(value: string): string {
  if (AMBIGUOUS.test(value)) return JSON.stringify(value);
  if (!PLAIN.test(value) || value.endsWith(' ')) throw new NotRecorded('this text in the format yaml');
  return value;
}
