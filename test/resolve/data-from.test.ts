import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import { bytesOf, contentOf, failureOf } from './content.ts';
import { stored } from './stored-secret.ts';

const from = (...refs: string[]): object => ({ dataFrom: refs.map((ref) => ({ ref })) });
const failing = (spec: object, ...secrets: StoredSecret[]): { code: string; message: string } => {
  const { code, message } = failureOf(() => contentOf(spec, ...secrets));
  return { code, message };
};

test('each member of an object becomes a key, with values as in data', () => {
  const secret = stored('db', '{"user":"root","port":5432.0,"tls":true,"hosts":["a","b"],"empty":""}');
  assert.deepEqual(contentOf(from('db'), secret), {
    user: 'root',
    port: '5432.0',
    tls: 'true',
    hosts: '["a","b"]',
    empty: '',
  });
});

test('the object may lie anywhere in a secret, and the secret may be YAML', () => {
  const secret = stored('app.db', 'eu:\n  user: root\nall:\n  - name: eu\n    password: p\n', {
    format: 'yaml',
  });
  for (const ref of ['app.db.eu', "$['app.db'].eu"])
    assert.deepEqual(contentOf(from(ref), secret), { user: 'root' });
  for (const ref of ['app.db.all.0', "$['app.db'].all[?(@.name=='eu')]", "$['app.db'].all[*]"])
    assert.deepEqual(contentOf(from(ref), secret), { name: 'eu', password: 'p' });
});

test('a template comes before the members are looked at', () => {
  const secret = stored('t', 'x', { template: '{{.}}', valueTransformed: '{"USER":"root"}' });
  assert.deepEqual(contentOf(from('t'), secret), { USER: 'root' });
});

test('several objects are put together, and data wins', () => {
  const secrets = [
    stored('a', { user: 'a', shared: '1', 'not a key': 'x' }),
    stored('b', { password: 'b', shared: '2', nothing: null }),
  ];
  const spec = {
    data: [
      { key: 'shared', ref: 'a.user' },
      { key: 'nothing', ref: 'a.user' },
    ],
    ...from('b'),
  };
  assert.deepEqual(contentOf(spec, ...secrets), { shared: 'a', nothing: 'a', password: 'b' });
});

test('a key of two objects is one too many', () => {
  const secrets = [stored('a', { shared: 's3cr3t' }), stored('b', { shared: 's3cr3t' })];
  assert.deepEqual(failing(from('a', 'b'), ...secrets), {
    code: 'RefAmbiguous',
    message: 'spec.dataFrom[1].ref (b): member 1 of the object there has the name of one in another dataFrom',
  });
});

test('an object that can be read in two ways is one too many', () => {
  const secrets = [stored('a.b', { x: '1' }), stored('a', { b: { x: '2' } })];
  assert.equal(failing(from('a.b'), ...secrets).code, 'RefAmbiguous');
  assert.deepEqual(contentOf(from("$['a.b']"), ...secrets), { x: '1' });
  const text = [stored('a.b', 'no object'), stored('a', { b: { x: '2' } })];
  assert.equal(failing(from('a.b'), ...text).code, 'RefAmbiguous', 'also if only one of them is an object');
});

test('what has no members gives no keys', () => {
  const kinds: Record<string, string> = {
    '["s3cr3t"]': 'a list',
    '"s3cr3t"': 'a single value',
    s3cr3t: 'a single value',
    '7': 'a single value',
  };
  for (const [value, kind] of Object.entries(kinds)) {
    assert.deepEqual(failing(from('s'), stored('s', value)), {
      code: 'RefInvalid',
      message: `spec.dataFrom[0].ref (s): an object is needed here, whose members become keys, and there is ${kind}`,
    });
  }
  assert.equal(failing(from('s'), stored('s', 'null')).code, 'RefIsNull');
  assert.equal(failing(from('s.a'), stored('s', 's3cr3t')).code, 'RefNotFound');
  assert.equal(failing(from('s'), stored('s', `${'['.repeat(65)}${']'.repeat(65)}`)).code, 'RefInvalid');
  assert.deepEqual(contentOf(from('s'), stored('s', '{}')), {});
});

test('a member that cannot be a key is counted: what it is called may be a secret, as its value is', () => {
  for (const name of [
    'a/s3cr3t',
    '',
    '..s3cr3t',
    'line\ns3cr3t',
    's3cr3té',
    's3cr3t horse',
    's3cr3t'.repeat(50),
  ]) {
    assert.deepEqual(failing(from('s'), stored('s', { a: 'x', [name]: 's3cr3t' })), {
      code: 'ValueInvalid',
      message:
        'spec.dataFrom[0].ref (s): the name of member 2 of the object there cannot be a key of a Secret',
    });
  }
  assert.deepEqual(failing(from('s'), stored('s', '{"a":1,"s3cr3t":null}')), {
    code: 'RefIsNull',
    message: 'spec.dataFrom[0].ref (s): member 2 of the object there is null',
  });
  const half = failing(from('s'), stored('s', '{"s3cr3t":"\\ud800s3cr3t"}'));
  assert.equal(half.code, 'ValueInvalid');
  assert.match(half.message, /^spec\.dataFrom\[0\]: the value for member 1 of the object there /);
  const twice = failing(from('a', 'b'), stored('a', { s3cr3t: '1' }), stored('b', { x: '', s3cr3t: '2' }));
  const large = failing(from('a'), stored('a', { s3cr3t: 's3cr3t'.repeat(200_000) }));
  for (const { message } of [half, twice, large]) assert.doesNotMatch(message, /s3cr3t/);
});

test('names from JavaScript are keys like others', () => {
  const members = '{"__proto__":"p","constructor":"c","toString":"t"}';
  const data = bytesOf(from('s'), { kind: 'named', secrets: new Map([['s', stored('s', members)]]) });
  assert.deepEqual([...data.keys()], ['__proto__', 'constructor', 'toString']);
});

test('objects of others are not there, and those of a bare answer only without grants', () => {
  const theirs = stored('s', { k: 'v' }, { namespaces: ['team-b'] });
  assert.equal(failing(from('s'), theirs).code, 'NotGranted');
  const bare = { kind: 'unnamed', value: '{"db":{"k":"v"}}' } as const;
  assert.equal(failureOf(() => bytesOf(from('db'), bare)).code, 'UnnamedSecret');
  assert.equal(Buffer.from(bytesOf(from('db'), bare, 'off').get('k')!).toString(), 'v');
  assert.equal(Buffer.from(bytesOf(from('$.db'), bare, 'warn').get('k')!).toString(), 'v');
});

test('more keys than a Secret has room for are not written', () => {
  const members = Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`k${i}`, '']));
  assert.equal(failing(from('s'), stored('s', members)).code, 'SecretTooLarge');
});
