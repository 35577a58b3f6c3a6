import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load } from 'js-yaml';

interface Schema {
  type: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  enum?: string[];
  maxLength?: number;
  maxItems?: number;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { message: string }[];
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const messages = read('test/real/crd-messages.md').split('\n');
const crd = load(read('daemonset/10-vsecmsecret-crd.yaml')) as {
  spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: Schema } } } }[] };
};

/** Keywords that a rule here, or none at all, stands for. */
const KNOWN = new Set([
  ...['type', 'properties', 'items', 'required', 'enum', 'maxLength', 'maxItems'],
  ...['x-kubernetes-list-map-keys', 'x-kubernetes-list-type', 'x-kubernetes-validations'],
  ...['default', 'description'],
]);

/** Each rule of a schema, as what the API server says when it is broken: the field, and words of the message. */
function* rules(schema: Schema, path: string): Generator<[field: string, says: string]> {
  for (const keyword of Object.keys(schema)) assert.ok(KNOWN.has(keyword), `${path}: ${keyword}`);
  const { type, maxLength, maxItems, required = [], properties = {}, items } = schema;
  yield [path, `must be of type ${type}`];
  if (maxLength !== undefined) yield [path, `Too long: may not be more than ${maxLength} bytes`];
  if (maxItems !== undefined) yield [path, `must have at most ${maxItems} items`];
  if (schema.enum) yield [path, 'Unsupported value'];
  if (schema['x-kubernetes-list-map-keys']) yield [`${path}[0]`, 'Duplicate value'];
  for (const name of required) yield [`${path}.${name}`, 'Required value'];
  for (const { message } of schema['x-kubernetes-validations'] ?? []) yield ['', message];
  for (const [name, property] of Object.entries(properties)) yield* rules(property, `${path}.${name}`);
  if (items) yield* rules(items, `${path}[0]`);
}

test('each rule of the CRD is among the messages that are kept for review', () => {
  const { spec } = crd.spec.versions[0]!.schema.openAPIV3Schema.properties;
  const plain = messages.map((line) => line.replaceAll(/\[\d+\]/g, '[0]'));
  const absent = [...rules(spec, 'spec')].filter(
    ([field, says]) =>
      !plain.some(
        (line) =>
          line.startsWith(field === '' ? '- ' : `- ${field}: `) &&
          line.includes(says.replaceAll(/\[\d+\]/g, '[0]')),
      ),
  );
  assert.deepEqual(absent, []);
});
