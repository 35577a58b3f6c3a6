import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { SafeError } from '../../agent/safe/error.ts';
import { parseResponse, type SafeAnswer } from '../../agent/safe/response.ts';
import type { SafeSecret } from '../../agent/safe/secret.ts';
import { sample } from './harness.ts';

interface Recorded {
  name: string;
  value: string;
  valueTransformed: string;
  meta: { namespaces: string[]; template: string; Format: string; correlationId: string };
  created: string;
  updated: string;
  notBefore: string;
  expiresAfter: string;
}

const NAMED = {
  'many-raw-secrets': 2,
  'edge-cases': 7,
  'update-without-namespaces': 2,
  'values-and-names': 54,
};
const UNNAMED: Record<string, string> = {
  'one-raw-secret':
    '{"cocaCola":{"data":{"username":"root","password":"s3cr3t"},"labels":{"app":"db"},"annotations":{"env":"prod"}}}',
  'one-raw-expired-not-granted': '{"db":{"password":"p"}}',
  'one-raw-null': 'null',
  'one-raw-whitespace': '   \n',
  'one-workload-secret': 'USER: "1"\n',
};

async function read(name: string): Promise<SafeAnswer> {
  return parseResponse(200, await sample(name));
}

async function secretsOf(name: string): Promise<ReadonlyMap<string, SafeSecret>> {
  const answer = await read(name);
  assert.equal(answer.kind, 'named');
  return answer.secrets;
}

const get = (secrets: ReadonlyMap<string, SafeSecret>, name: string): SafeSecret => {
  const secret = secrets.get(name);
  assert.ok(secret, name);
  return secret;
};

/** An instant by other means than the code under test: whole seconds by Date, the digits after the point as text. */
function nanos(text: string): bigint {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return BigInt(Date.parse(text.replace(/\.\d+/, ''))) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

for (const [name, count] of Object.entries(NAMED)) {
  test(`each field of each secret of ${name} is read`, async () => {
    const recorded = JSON.parse(JSON.parse((await sample(name)).toString()).data) as Recorded[];
    const secrets = await secretsOf(name);
    assert.equal(secrets.size, count);
    assert.equal(recorded.length, count);
    for (const one of recorded) {
      const secret = get(secrets, one.name.replace(/^raw:/, ''));
      assert.equal(secret.name, one.name.replace(/^raw:/, ''));
      assert.equal(secret.value, one.value);
      assert.equal(secret.valueTransformed, one.valueTransformed);
      assert.equal(secret.template, one.meta.template);
      assert.equal(secret.format, one.meta.Format);
      assert.deepEqual(secret.namespaces, one.meta.namespaces);
      assert.equal(secret.created, one.created);
      assert.equal(secret.updated, one.updated);
      assert.equal(secret.updatedAt, nanos(one.updated));
      assert.equal(secret.expiresAfter, nanos(one.expiresAfter));
      // What is not after `updated` counts as now, whatever this node's clock says.
      if (nanos(one.notBefore) > nanos(one.updated)) assert.equal(secret.notBefore, nanos(one.notBefore));
      else assert.ok(secret.notBefore < nanos('1900-01-01T00:00:00Z'));
      assert.deepEqual(secret.unreadable, []);
    }
  });
}

for (const [name, value] of Object.entries(UNNAMED)) {
  test(`${name} is a value without name and grants`, async () => {
    const answer = await read(name);
    assert.equal(answer.kind, 'unnamed');
    assert.equal(answer.value, value);
  });
}

test('a single value that is shaped like an array of secrets names and grants nothing', async () => {
  const answer = await read('one-raw-array-shaped');
  assert.equal(answer.kind, 'unnamed');
  assert.equal(answer.value, JSON.parse((await sample('one-raw-array-shaped')).toString()).data);
});

test('the poisoned answer is a failure', async () => {
  const body = await sample('poisoned-answer');
  assert.throws(
    () => parseResponse(200, body),
    (error) =>
      error instanceof SafeError && error.code === 'ResponseMalformed' && error.cause === 'EMPTY_DATA',
  );
});

test('every recorded sample is covered here', async () => {
  const files = await readdir(new URL('../fixtures/safe/', import.meta.url));
  const known = [...Object.keys(NAMED), ...Object.keys(UNNAMED), 'one-raw-array-shaped', 'poisoned-answer'];
  assert.deepEqual(files.sort(), known.map((name) => `${name}.json`).sort());
});

test('numbers, odd keys, names and whitespace come through exactly', async () => {
  const edge = await secretsOf('edge-cases');
  assert.equal(
    get(edge, 'nested').value,
    '{"list":["a",{"b":1}],"num":12345678901234567890,"bool":false,"nul":null,"a.b":"dotted","__proto__":{"x":"1"}}',
  );
  assert.equal(get(edge, 'future').notBefore, nanos('2027-06-01T00:00:00Z'));
  assert.equal(get(edge, 'expired').expiresAfter, nanos('2026-01-01T00:00:00Z'));
  assert.deepEqual(get(edge, 'future').namespaces, ['*']);
  const many = await secretsOf('values-and-names');
  assert.equal(get(many, 'pem').value, '-----BEGIN X-----\nabc\n-----END X-----\n');
  assert.equal(get(many, 'pem').valueTransformed, '-----BEGIN X-----\nabc\n-----END X-----');
  assert.equal(get(many, '__proto__').value, 'v');
  assert.equal(get(many, '').value, 'bareprefix');
  assert.equal(get(many, 'raw:x').value, 'v');
  assert.equal(get(many, 'a\nb').value, 'v');
  assert.equal(get(many, 'tail ').value, 'v');
  assert.equal(get(many, 'nul').value, 'a\u0000b\r\n\tc\u2028d<&>é😀');
  assert.equal(get(many, 'bad').value, 'a\ufffd\ufffdb');
  assert.equal(get(many, 'big.num.yaml').format, 'yaml');
  assert.deepEqual(get(many, 'nsdup').namespaces, ['a', 'a', '']);
  assert.equal(get(many, 'nb').expiresAfter, nanos('2019-12-31T18:30:00Z'));
});
