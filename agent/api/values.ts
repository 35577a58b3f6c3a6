import { MAX_TEMPLATE_LENGTH, NAME_PATTERN, namesIn, parseTemplate } from '../template/parse.ts';
import { TemplateError } from '../template/template-error.ts';
import type { Field } from './field.ts';
import { parseRef, REF_MAX_LENGTH, REF_RULES, type Ref } from './ref.ts';
import type { Rule } from './rule.ts';

/** What templates may use, under a name of its own. */
export interface NamedRef {
  readonly name: string;
  readonly ref: Ref;
}

const MAX_VALUES = 64;

const name = new RegExp(NAME_PATTERN, 'u');
export const VALUE_NAME_RULES: readonly Rule[] = [
  {
    message:
      'must be a name for templates: at most 63 letters, digits, - and _, beginning with a letter or _',
    holds: (text) => name.test(text),
  },
];

/** The agent says so of every text. */
export const TEMPLATE_RULES: readonly Rule[] = [
  { message: 'must not be empty', holds: (text) => text !== '' },
];

export function parseValues(field: Field): NamedRef[] {
  if (!field.present) return [];
  const seen = new Set<string>();
  return field.items(MAX_VALUES).map((item) => {
    const { name, ref } = item.members(['name', 'ref']);
    const value = {
      name: name.text(63, VALUE_NAME_RULES),
      ref: parseRef(ref.text(REF_MAX_LENGTH, REF_RULES)),
    };
    if (seen.has(value.name)) name.fail(`must not be ${value.name} a second time: give it once`);
    seen.add(value.name);
    return value;
  });
}

/**
 * A template that parses, and whose names are among `values`. It stays a text: taken apart it is many times as large,
 * and is needed only when Safe has something new.
 */
export function parseTemplateField(field: Field, values: readonly NamedRef[]): string {
  const text = field.text(MAX_TEMPLATE_LENGTH, TEMPLATE_RULES);
  const unknown = [...namesIn(parsed(field, text))].find((used) => values.every(({ name }) => name !== used));
  if (unknown !== undefined)
    field.fail(
      `uses ${unknown.slice(0, 63)}, which is not in spec.values: add {name: ${unknown.slice(0, 63)}, ref: SECRET.PATH} there`,
    );
  return text;
}

function parsed(field: Field, text: string): ReturnType<typeof parseTemplate> {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return field.fail(`does not parse: ${error.message}`);
  }
}
