import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { lastReleaseFile, lastReleaseMissing } from '../stage/last-release.ts';

const PATH = 'daemonset/10-vsecmsecret-crd.yaml';

interface Schema {
  type?: string;
  format?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  enum?: unknown[];
  [limit: string]: unknown;
}

/** What a resource or a status that fits `old` could not be under `now`, rules in CEL aside. */
function narrower(old: Schema, now: Schema | undefined, at: string): string[] {
  if (now === undefined) return [`${at} is gone`];
  const found: string[] = [];
  for (const key of ['type', 'format', 'default'])
    if (JSON.stringify(old[key]) !== JSON.stringify(now[key])) found.push(`${at}: another ${key}`);
  for (const name of now.required ?? [])
    if (!old.required?.includes(name)) found.push(`${at}.${name} has to be given now`);
  for (const value of old.enum ?? [])
    if (now.enum !== undefined && !now.enum.includes(value)) found.push(`${at} may not be ${value} any more`);
  if (old.enum === undefined && now.enum !== undefined) found.push(`${at} has few values now`);
  for (const limit of ['maxLength', 'maxItems', 'maxProperties', 'maximum'])
    if (((now[limit] as number) ?? Infinity) < ((old[limit] as number) ?? Infinity))
      found.push(`${at}: a smaller ${limit}`);
  for (const [name, property] of Object.entries(old.properties ?? {}))
    found.push(...narrower(property, now.properties?.[name], `${at}.${name}`));
  if (old.items !== undefined) found.push(...narrower(old.items, now.items, `${at}[]`));
  return found;
}

const schemaOf = (text: string): Schema => (load(text) as any).spec.versions[0].schema.openAPIV3Schema;

test(
  'whatever the CRD of the last release had, this one has, and demands no more',
  { skip: lastReleaseMissing() ?? false },
  () => {
    const now = schemaOf(readFileSync(join(import.meta.dirname, '../..', PATH), 'utf8'));
    assert.deepEqual(narrower(schemaOf(lastReleaseFile(PATH)), now, ''), []);
  },
);

test('a CRD that is narrower is found out', () => {
  const old: Schema = { type: 'object', properties: { a: { enum: [1, 2] }, b: { maxLength: 5 }, c: {} } };
  const now: Schema = {
    type: 'object',
    required: ['a'],
    properties: { a: { enum: [1] }, b: { maxLength: 4 } },
  };
  assert.deepEqual(narrower(old, now, ''), [
    '.a has to be given now',
    '.a may not be 2 any more',
    '.b: a smaller maxLength',
    '.c is gone',
  ]);
});
