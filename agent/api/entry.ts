import type { Field } from './field.ts';
import { parseRef, PUBLIC_REF_RULES, REF_MAX_LENGTH, REF_RULES, type Ref } from './ref.ts';
import type { Rule } from './rule.ts';
import { METADATA_KEY_RULES, SECRET_KEY_RULES } from './syntax.ts';
import { parseTemplateField, type NamedRef } from './values.ts';

/** A label or annotation, and where its value comes from. */
export interface Entry {
  readonly key: string;
  readonly ref: Ref;
}

/** What is done to a text before it becomes a value. */
export const DECODINGS = ['None', 'Base64'] as const;
export type Decoding = (typeof DECODINGS)[number];

/** A key of the Secret: where its value comes from, or the template that composes it. */
export type DataEntry = { readonly key: string; readonly decode: Decoding } & (
  | { readonly ref: Ref; readonly template?: undefined }
  | { readonly template: string; readonly ref?: undefined }
);

/** An object whose members become keys of the Secret. */
export interface ObjectEntry {
  readonly ref: Ref;
}

const MAX_DATA = 256;
const MAX_DATA_FROM = 64;
const MAX_METADATA = 64;

export const ONE_SOURCE_MESSAGE =
  'must have either a ref, which leads to a value, or a template, which composes those of spec.values';

/** @param values what templates may use */
export function parseData(field: Field, values: readonly NamedRef[]): DataEntry[] {
  const entries = field.present
    ? field.items(MAX_DATA).map((item): DataEntry => {
        const { key, ref, template, decode } = item.members(['key', 'ref', 'template', 'decode']);
        if (ref.present === template.present) item.fail(ONE_SOURCE_MESSAGE);
        return {
          key: key.text(253, SECRET_KEY_RULES),
          ...(ref.present
            ? { ref: parseRefField(ref, REF_RULES) }
            : { template: parseTemplateField(template, values) }),
          decode: decode.present ? decode.oneOf(DECODINGS) : 'None',
        };
      })
    : [];
  refuseRepeated(field, 'key', entries);
  return entries;
}

export function parseDataFrom(field: Field): ObjectEntry[] {
  if (!field.present) return [];
  const entries = field.items(MAX_DATA_FROM).map((item) => ({
    ref: parseRefField(item.members(['ref']).ref, REF_RULES),
  }));
  refuseRepeated(
    field,
    'ref',
    entries.map(({ ref }) => ({ key: ref.text })),
  );
  return entries;
}

export function parseMetadata(field: Field): Entry[] {
  if (!field.present) return [];
  const entries = field.items(MAX_METADATA).map((item) => {
    const { key, ref } = item.members(['key', 'ref']);
    return { key: key.text(317, METADATA_KEY_RULES), ref: parseRefField(ref, PUBLIC_REF_RULES) };
  });
  refuseRepeated(field, 'key', entries);
  return entries;
}

const parseRefField = (field: Field, rules: readonly Rule[]): Ref =>
  parseRef(field.text(REF_MAX_LENGTH, rules));

function refuseRepeated(list: Field, member: string, entries: readonly { readonly key: string }[]): void {
  const seen = new Set<string>();
  for (const [index, { key }] of entries.entries()) {
    if (seen.has(key)) list.item(index).member(member).fail(`must not be ${key} a second time: give it once`);
    seen.add(key);
  }
}
