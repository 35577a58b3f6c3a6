import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load } from 'js-yaml';
import {
  CONTROL_PATTERN,
  EMPTY_NAME_PATTERN,
  JSON_PATH_PATTERN,
  NAME_FIRST_PATTERN,
  PUBLIC_PATTERN,
  PUBLIC_REF_RULES,
  REF_RULES,
  TWO_SELECTORS_PATTERN,
} from '../../agent/api/ref.ts';
import { WORKLOAD_KINDS, WORKLOAD_NAME_RULES } from '../../agent/api/restart.ts';
import type { Rule } from '../../agent/api/rule.ts';
import { SECRET_TYPE_RULES, TYPE_DEMANDS } from '../../agent/api/secret-type.ts';
import {
  DURATION_PATTERN,
  MAX_STALENESS_RULES,
  METADATA_KEY_RULES,
  OBJECT_NAME_RULES,
  REFRESH_INTERVAL_RULES,
  SAFE_URL_PATTERN,
  SAFE_URL_RULES,
  SECRET_KEY_PATTERN,
  SECRET_KEY_RULES,
} from '../../agent/api/syntax.ts';
import { CREATION_POLICIES, MERGE_IMMUTABLE_MESSAGE, MERGE_TYPE_MESSAGE } from '../../agent/api/target.ts';
import { DECODINGS, ONE_SOURCE_MESSAGE } from '../../agent/api/entry.ts';
import { TEMPLATE_RULES, VALUE_NAME_RULES } from '../../agent/api/values.ts';
import { FILTERS } from '../../agent/template/filters.ts';
import { MAX_TEMPLATE_LENGTH, NAME_PATTERN } from '../../agent/template/parse.ts';
import { NO_SOURCE_MESSAGE, TOO_LONG_MESSAGE } from '../../agent/api/vsecmsecret.ts';

interface Schema {
  description?: string;
  maxLength?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: string[];
  default?: unknown;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

const crd = load(
  readFileSync(new URL('../../daemonset/10-vsecmsecret-crd.yaml', import.meta.url), 'utf8'),
) as {
  spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
};
const root = crd.spec.versions[0]!.schema.openAPIV3Schema;
const at = (...path: string[]): Schema =>
  path.reduce((schema, name) => (name === '[]' ? schema.items! : schema.properties![name]!), root);
const validations = (schema: Schema): { rule: string; message: string }[] =>
  schema['x-kubernetes-validations'] ?? [];

/** Fields of the CRD, the agent's rules for them, and the patterns that both must share. */
const FIELDS: [path: string[], rules: readonly Rule[], patterns: string[]][] = [
  [['spec', 'vsecmSafeURL'], SAFE_URL_RULES, [SAFE_URL_PATTERN]],
  [['spec', 'refreshInterval'], REFRESH_INTERVAL_RULES, [DURATION_PATTERN]],
  [['spec', 'maxStaleness'], MAX_STALENESS_RULES, [DURATION_PATTERN]],
  [['spec', 'target', 'name'], OBJECT_NAME_RULES, []],
  [['spec', 'target', 'type'], SECRET_TYPE_RULES, []],
  [['spec', 'values', '[]', 'name'], VALUE_NAME_RULES, [NAME_PATTERN]],
  [['spec', 'data', '[]', 'template'], TEMPLATE_RULES, []],
  [['spec', 'restart', '[]', 'name'], WORKLOAD_NAME_RULES, []],
  [['spec', 'data', '[]', 'key'], SECRET_KEY_RULES, [SECRET_KEY_PATTERN]],
  ...['values', 'data', 'dataFrom'].map((list): [string[], readonly Rule[], string[]] => [
    ['spec', list, '[]', 'ref'],
    REF_RULES,
    [CONTROL_PATTERN, EMPTY_NAME_PATTERN, JSON_PATH_PATTERN, NAME_FIRST_PATTERN, TWO_SELECTORS_PATTERN],
  ]),
  ...['labels', 'annotations'].flatMap((list): [string[], readonly Rule[], string[]][] => [
    [['spec', list, '[]', 'key'], METADATA_KEY_RULES, []],
    [['spec', list, '[]', 'ref'], PUBLIC_REF_RULES, [CONTROL_PATTERN, EMPTY_NAME_PATTERN, PUBLIC_PATTERN]],
  ]),
];

for (const [path, rules, patterns] of FIELDS) {
  test(`the CRD and the agent say the same about ${path.join('.')}`, () => {
    const stated = validations(at(...path));
    assert.deepEqual(
      stated.map(({ message }) => message),
      rules.map(({ message }) => message),
    );
    for (const pattern of patterns) {
      assert.ok(
        stated.some(({ rule }) => rule.includes(`r"${pattern}"`)),
        `no rule with ${pattern}`,
      );
    }
  });
}

test('the CRD and the agent say the same about fields that depend on each other', () => {
  const messages = (...path: string[]): string[] => validations(at(...path)).map(({ message }) => message);
  assert.deepEqual(messages('spec'), [
    NO_SOURCE_MESSAGE,
    ...Array.from(TYPE_DEMANDS.values(), ({ message }) => message),
    TOO_LONG_MESSAGE,
  ]);
  assert.deepEqual(messages('spec', 'data', '[]'), [ONE_SOURCE_MESSAGE]);
  assert.deepEqual(messages('spec', 'target'), [MERGE_TYPE_MESSAGE, MERGE_IMMUTABLE_MESSAGE]);
  for (const [type, { keys }] of TYPE_DEMANDS) {
    const { rule } = validations(at('spec')).find(({ rule }) => rule.includes(`'${type}'`))!;
    assert.deepEqual(
      [...rule.matchAll(/e\.key == '([^']+)'/g)].map(([, key]) => key),
      keys.flat(),
    );
  }
});

test('the CRD and the agent know the same words', () => {
  assert.deepEqual(at('spec', 'target', 'creationPolicy').enum, CREATION_POLICIES);
  assert.deepEqual(at('spec', 'data', '[]', 'decode').enum, DECODINGS);
  assert.deepEqual(at('spec', 'restart', '[]', 'kind').enum, WORKLOAD_KINDS);
  const { description = '', maxLength } = at('spec', 'data', '[]', 'template');
  assert.equal(maxLength, MAX_TEMPLATE_LENGTH);
  const listed = /The filters are ([^.]+)\./.exec(description)![1]!;
  assert.deepEqual(listed.split(/, | and /), Object.keys(FILTERS));
});

// An agent of an older version refuses fields that it does not know, so a default must not add one to every
// resource; and in items of lists defaults make Argo CD show a difference for ever.
test('the CRD fills in nothing but what the first version had', () => {
  const filled: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (field.default !== undefined) filled.push(`${path}${name}`);
      visit(field.items ?? field, `${path}${name}.`);
    }
  };
  visit(at('spec'), '');
  assert.deepEqual(filled, ['secretType', 'refreshInterval', 'target']);
});

test('every field is explained', () => {
  const silent: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const here = `${path}.${name}`;
      if (path !== '' || name === 'spec' || name === 'status') {
        if (field.description === undefined) silent.push(here);
        visit(field.items ?? field, here);
      }
    }
  };
  visit(root, '');
  assert.deepEqual(silent, []);
});
