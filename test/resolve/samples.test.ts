import { PLAIN } from './stored-secret.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import { parseResponse } from '../../agent/safe/response.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { resolve } from '../../agent/resolve/refs.ts';

const NOW = Date.UTC(2026, 10, 25);

/** The values that refs lead to in a recorded answer of Safe, or the code of the failure. */
function read(file: string, refs: string[], namespace = 'default'): string[] {
  const answer = parseResponse(200, readFileSync(new URL(`../fixtures/safe/${file}`, import.meta.url)));
  return refs.map((ref) => {
    const spec = parseSpec({ metadata: { name: 'x' }, spec: { data: [{ key: 'key', ref }] } });
    try {
      const { data } = atOnce(
        resolve(spec, { answer, namespace, grants: 'enforce', scope: PLAIN, now: NOW }),
      );
      return Buffer.from(data.get('key')!).toString();
    } catch (error) {
      if (error instanceof Failure) return error.code;
      throw error;
    }
  });
}

/** Refs and what they must give. */
const check = (file: string, expected: Record<string, string>, namespace?: string): void =>
  assert.deepEqual(read(file, Object.keys(expected), namespace), Object.values(expected));

test('edge cases of content and dates', () => {
  check('edge-cases.json', {
    'databaseCredentials.cocaCola.data.password': 's3cr3t',
    'nested.list.0': 'a',
    'nested.list.1.b': '1',
    'nested.num': '12345678901234567890',
    'nested.bool': 'false',
    'nested.nul': 'RefIsNull',
    'nested.list': '["a",{"b":1}]',
    'yaml.n': '{"x":true}',
    'yaml.u': '1',
    'tpl.USER': '1',
    'tpl.u': 'RefNotFound',
    broken: '{not json',
    'broken.x': 'RefNotFound',
    'expired.k': 'Expired',
    'future.k': 'NotYetValid',
  });
});

test('values are exact, whatever Safe made of them', () => {
  check('values-and-names.json', {
    pem: '-----BEGIN X-----\nabc\n-----END X-----\n',
    trail: '  secret line\n',
    ws: '   \n',
    nul: 'a\0b\r\n\tc\u2028d<&>é😀',
    jnum: '12345678901234567890',
    jstr: '"quoted"',
    jnull: 'null',
    jarr: '[1,"x",{"a":1}]',
    'jarr.2.a': '1',
    'dupkeys.a': '2',
    'big.num.yaml.n': '12345678901234567890',
    'big.num.yaml.f': '1.0',
    'big.num.yaml.e': '1e3',
    'big.num.yaml.s': '007',
    'fmt.JSON.a': '1',
    tplurl: 'url://r@h',
    'tplcomma.PASS': 'RefNotFound',
    'tplcomma.p': 'a,b',
    'tplcomma.yaml': '{"USER":"root","PASS":"a',
    'tplcomma.yaml.USER': 'RefInvalid',
    'tplnum.N': '1.2345678901234567e+19',
    tplnotjson: 'plain',
  });
});

test('names of any kind are found', () => {
  check('values-and-names.json', {
    'tail ': 'v',
    'raw:x': 'v',
    __proto__: 'v',
    null: 'v',
    'e\u0301': 'NotGranted',
    constructor: 'NotGranted',
    'str.yaml.plain': 'text',
    'arr.yaml.1': '2',
  });
});

test('grants are exactly those registered', () => {
  check('values-and-names.json', { nsbad: 'v', pem: 'NotGranted', nsstar: 'v' }, 'a, b');
  check('values-and-names.json', { nsdup: 'v', nsbad: 'NotGranted', nsstar: 'v' }, 'a');
  check(
    'many-raw-secrets.json',
    { 'other.cluster-1': 'plain text é', databaseCredentials: 'NotGranted' },
    'b',
  );
  check('update-without-namespaces.json', { ns: '2', 'innocent.db.password': 'NotGranted' });
});

test('a bare answer serves nobody', () => {
  for (const file of [
    'one-raw-secret.json',
    'one-raw-array-shaped.json',
    'one-raw-null.json',
    'one-raw-whitespace.json',
  ]) {
    assert.deepEqual(read(file, ['databaseCredentials.cocaCola.data.username']), ['UnnamedSecret'], file);
  }
});
