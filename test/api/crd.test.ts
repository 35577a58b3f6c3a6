import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load } from 'js-yaml';
import {
  CONTROL_PATTERN,
  EMPTY_NAME_PATTERN,
  JSON_PATH_PATTERN,
  PUBLIC_PATTERN,
  PUBLIC_REF_RULES,
  REF_RULES,
} from '../../agent/api/ref.ts';
import type { Rule } from '../../agent/api/rule.ts';
import {
  METADATA_KEY_RULES,
  OBJECT_NAME_RULES,
  REFRESH_INTERVAL_PATTERN,
  REFRESH_INTERVAL_RULES,
  SAFE_URL_PATTERN,
  SAFE_URL_RULES,
  SECRET_KEY_PATTERN,
  SECRET_KEY_RULES,
} from '../../agent/api/syntax.ts';

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
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
  [['spec', 'refreshInterval'], REFRESH_INTERVAL_RULES, [REFRESH_INTERVAL_PATTERN]],
  [['spec', 'target', 'name'], OBJECT_NAME_RULES, []],
  [['spec', 'data', '[]', 'key'], SECRET_KEY_RULES, [SECRET_KEY_PATTERN]],
  [['spec', 'data', '[]', 'ref'], REF_RULES, [CONTROL_PATTERN, EMPTY_NAME_PATTERN, JSON_PATH_PATTERN]],
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
