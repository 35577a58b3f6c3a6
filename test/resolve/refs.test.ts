import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, type Code } from '../../agent/api/reasons.ts';
import { parseSpec, type Spec } from '../../agent/api/vsecmsecret.ts';
import type { Answer, StoredSecret } from '../../agent/resolve/answer.ts';
import type { Desired } from '../../agent/resolve/desired.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { resolve } from '../../agent/resolve/refs.ts';
import type { Resolution } from '../../agent/resolve/resolver.ts';
import { answerOf, stored, PLAIN } from './stored-secret.ts';

const NOW = Date.UTC(2026, 10, 24, 12);

const specOf = (spec: object): Spec => parseSpec({ metadata: { name: 'x' }, spec });
const specFor = (ref: string): Spec => specOf({ data: [{ key: 'key', ref }] });

function run(spec: Spec, answer: Answer, change: Partial<Resolution> = {}): Desired {
  return atOnce(
    resolve(spec, { answer, namespace: 'team-a', grants: 'enforce', scope: PLAIN, now: NOW, ...change }),
  );
}

const valueOf = (desired: Desired, key = 'key'): string => Buffer.from(desired.data.get(key)!).toString();
const read = (ref: string, ...secrets: StoredSecret[]): string =>
  valueOf(run(specFor(ref), answerOf(...secrets)));

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}
const codeOf = (ref: string, ...secrets: StoredSecret[]): Code => failureOf(() => read(ref, ...secrets)).code;

const nested = stored(
  'nested',
  '{"list":["a",{"b":1}],"num":12345678901234567890,"f":1.0,"e":1e3,"bool":false,"nul":null,"obj":{"z":1,"1":[2.0]},"text":"t","":"e","__proto__":"p"}',
);

test('leaves come as they stand in the source', () => {
  const cases: Record<string, string> = {
    'nested.text': 't',
    'nested.num': '12345678901234567890',
    'nested.f': '1.0',
    'nested.e': '1e3',
    'nested.bool': 'false',
    'nested.list.0': 'a',
    'nested.list.1.b': '1',
    'nested.list': '["a",{"b":1}]',
    'nested.obj': '{"z":1,"1":[2.0]}',
    'nested.obj.1.0': '2.0',
    'nested.__proto__': 'p',
    '$.nested.list[1].b': '1',
    "$['nested']['num']": '12345678901234567890',
    '$.nested.list[*].b': '1',
    '$.nested.obj': '{"z":1,"1":[2.0]}',
    // A name and an index are the same.
    '$.nested.obj[1]': '[2.0]',
    "$.nested.list['0']": 'a',
  };
  for (const [ref, text] of Object.entries(cases)) assert.equal(read(ref, nested), text, ref);
});

test('null is a failure of its own', () => {
  assert.equal(codeOf('nested.nul', nested), 'RefIsNull');
  assert.equal(codeOf('$.nested.nul', nested), 'RefIsNull');
});

test('only own members are found', () => {
  for (const ref of [
    'nested.constructor',
    'nested.toString',
    'nested.list.length',
    'nested.text.length',
    'nested.text.0',
    'nested.obj.__proto__',
    'nested.list.-1',
    'nested.list.00',
    'nested.list.2',
    '$.nested.list.length',
    '$.nested.obj[0]',
    '$.nested.text[0]',
    '$.nested.constructor',
  ]) {
    assert.equal(codeOf(ref, nested), 'RefNotFound', ref);
  }
  for (const ref of ['__proto__', 'constructor', 'toString.length', '$.__proto__', '$.constructor.name'])
    assert.equal(codeOf(ref, nested), 'NotGranted', ref);
  assert.equal(read('__proto__.a', stored('__proto__', { a: 'x' })), 'x');
});

test('the name alone is the whole secret', () => {
  const pem = '-----BEGIN X-----\nabc\n-----END X-----\n';
  assert.equal(read('pem', stored('pem', pem)), pem);
  assert.equal(read('$.pem', stored('pem', pem)), pem);
  assert.equal(read('a.b', stored('a.b', '{"x": 1}')), '{"x": 1}');
  assert.equal(read('nul', stored('nul', 'a\u0000b')), 'a\u0000b');
  assert.equal(read('null', stored('null', 'null')), 'null');
});

test('names with dots are found, and two readings are one too many', () => {
  const secrets = [stored('app.b', { password: '1' }), stored('app', { x: { 'y.z': '2', y: { w: '3' } } })];
  assert.equal(read('app.b.password', ...secrets), '1');
  assert.equal(read('app.x.y.z', ...secrets), '2');
  assert.equal(read('app.x.y.w', ...secrets), '3');
  const twice = [...secrets.slice(0, 1), stored('app', { b: { password: '1' } })];
  assert.equal(codeOf('app.b.password', ...twice), 'RefAmbiguous');
  assert.equal(read("$['app.b'].password", ...twice), '1');
  assert.equal(read('$.app.b.password', ...twice), '1');
  assert.equal(codeOf('s.a.b', stored('s', { 'a.b': 1, a: { b: 2 } })), 'RefAmbiguous');
  assert.equal(codeOf('s.a', stored('s', { a: 1 }), stored('s.a', 'whole')), 'RefAmbiguous');
  assert.equal(codeOf('s.a', stored('s', { a: null }), stored('s.a', 'whole')), 'RefAmbiguous');
});

test('a search picks one member or fails', () => {
  const users = stored('users', {
    users: [
      { name: 'admin', password: '1' },
      { name: 'bob', password: '2' },
      { name: 'bob', id: 7 },
      'admin',
      null,
    ],
  });
  assert.equal(read("$.users.users[?(@.name=='admin')].password", users), '1');
  assert.equal(codeOf("$.users.users[?(@.name=='bob')].name", users), 'RefAmbiguous');
  assert.equal(read("$.users.users[?(@.name=='bob')].password", users), '2');
  assert.equal(codeOf("$.users.users[?(@.name=='eve')].password", users), 'RefNotFound');
  assert.equal(codeOf('$.users.users[*].password', users), 'RefAmbiguous');
  assert.equal(read('$.users.users[*].id', users), '7');
  assert.equal(codeOf("$.users.users[?(@.id=='7')].name", users), 'RefNotFound', 'a number is no text');
  assert.equal(
    read(
      "$.m[?(@.name==']^;root.x')].v",
      stored('m', { a: { name: ']^;root.x', v: 'yes' }, b: { v: 'no' } }),
    ),
    'yes',
  );
});

test('without a grant nothing is there', () => {
  const secrets = [
    stored('mine', { a: '1' }),
    stored('theirs', { a: '2' }, { namespaces: ['team-b', 'team-a-2', ''] }),
    stored('all', { a: '3' }, { namespaces: ['*'] }),
    stored('vsecm-key', { a: '4' }, { namespaces: ['*'] }),
  ];
  assert.equal(read('mine.a', ...secrets), '1');
  assert.equal(read('all.a', ...secrets), '3');
  for (const ref of [
    'theirs.a',
    'theirs.b',
    'theirs',
    '$.theirs.a',
    'vsecm-key.a',
    'vsecm-key',
    'nobody.a',
  ]) {
    const failure = failureOf(() => read(ref, ...secrets));
    assert.equal(failure.code, 'NotGranted', ref);
    const name = failure.context.secret!;
    assert.equal(
      failure.message.replaceAll(ref, 'REF'),
      'spec.data[0].ref (REF): no secret that is granted to namespace team-a has a name that fits',
    );
    assert.ok(ref.includes(name));
  }
  assert.equal(codeOf('mine.b', ...secrets), 'RefNotFound');
});

test('a reading through a secret of others does not count', () => {
  const secrets = [
    stored('app', { b: { password: 'mine' } }),
    stored('app.b', { password: 'theirs' }, { namespaces: ['team-b'] }),
  ];
  assert.equal(read('app.b.password', ...secrets), 'mine');
});

test('grants may be only warned of, or off', () => {
  const secrets = answerOf(
    stored('mine', { a: '1' }),
    stored('theirs', { a: '2' }, { namespaces: ['team-b'] }),
    stored('vsecm-key', 'x'),
  );
  const spec = specOf({
    data: [
      { key: 'a', ref: 'mine.a' },
      { key: 'b', ref: 'theirs.a' },
    ],
  });
  const warned = run(spec, secrets, { grants: 'warn' });
  assert.equal(valueOf(warned, 'b'), '2');
  assert.deepEqual([warned.used, warned.notGranted], [['mine', 'theirs'], ['theirs']]);
  assert.deepEqual(run(spec, secrets, { grants: 'off' }).notGranted, []);
  assert.equal(failureOf(() => run(specFor('vsecm-key'), secrets, { grants: 'off' })).code, 'NotGranted');
});

test('a bare answer serves nothing under enforce, else its root', () => {
  const bare: Answer = { kind: 'unnamed', value: '{"db":{"a.b":"1","labels":{"app":"x"}}}' };
  assert.equal(failureOf(() => run(specFor('db.a.b'), bare)).code, 'UnnamedSecret');
  for (const grants of ['warn', 'off'] as const) {
    const desired = run(
      specOf({ data: [{ key: 'key', ref: 'db.a.b' }], labels: [{ key: 'app', ref: 'db.labels.app' }] }),
      bare,
      { grants },
    );
    assert.equal(valueOf(desired), '1');
    assert.equal(desired.labels.get('app'), 'x');
    assert.deepEqual(
      [desired.used, desired.notGranted, desired.sourceUpdated, desired.wakeAt],
      [[], [], '', undefined],
    );
    assert.equal(valueOf(run(specFor("$.db['a.b']"), bare, { grants })), '1');
    assert.equal(failureOf(() => run(specFor('other.x'), bare, { grants })).code, 'RefNotFound');
    assert.equal(
      failureOf(() => run(specFor('x'), { kind: 'unnamed', value: 'text' }, { grants })).code,
      'RefNotFound',
    );
  }
});

test('dates hold the secret back, and say when to look again', () => {
  const at = (ms: number): bigint => BigInt(ms) * 1_000_000n;
  const future = stored('future', { k: '1' }, { notBefore: at(NOW + 5000) + 1n });
  const failure = failureOf(() => read('future.k', future));
  assert.deepEqual([failure.code, failure.wakeAt], ['NotYetValid', NOW + 5001]);
  assert.equal(valueOf(run(specFor('future.k'), answerOf(future), { now: NOW + 5001 })), '1');

  const expiring = stored('expiring', { k: '1' }, { expiresAfter: at(NOW + 700) });
  assert.equal(run(specFor('expiring.k'), answerOf(expiring)).wakeAt, NOW + 700);
  assert.equal(
    failureOf(() => run(specFor('expiring.k'), answerOf(expiring), { now: NOW + 700 })).code,
    'Expired',
  );
  assert.equal(run(specFor('nested.text'), answerOf(nested)).wakeAt, undefined);

  const both = specOf({
    data: [
      { key: 'a', ref: 'expiring.k' },
      { key: 'b', ref: 'sooner.k' },
      { key: 'c', ref: 'nested.text' },
    ],
  });
  assert.equal(
    run(both, answerOf(expiring, stored('sooner', { k: '' }, { expiresAfter: at(NOW + 100) }), nested))
      .wakeAt,
    NOW + 100,
  );
});

test('a notBefore that is not after the registration is now, for a clock that is behind', () => {
  const registered = BigInt(NOW + 2000) * 1_000_000n;
  assert.equal(
    read('s.k', stored('s', { k: '1' }, { updatedAt: registered, notBefore: registered - 60_000n })),
    '1',
  );
});

test('the sources are those used, with the latest registration', () => {
  const secrets = answerOf(
    stored('a', { k: '1' }, { updatedAt: 5n, updated: 'five' }),
    stored('b', { k: '1' }, { updatedAt: 9n, updated: 'nine' }),
    stored('c', { k: '1' }, { updatedAt: 11n, updated: 'eleven' }),
  );
  const desired = run(
    specOf({
      data: [
        { key: 'x', ref: 'b.k' },
        { key: 'y', ref: 'a.k' },
        { key: 'z', ref: 'b' },
      ],
    }),
    secrets,
  );
  assert.deepEqual([desired.used, desired.sourceUpdated], [['b', 'a'], 'nine']);
});

test('labels and annotations come from what the secret lists, and nowhere else', () => {
  const secret = stored('db', {
    cocaCola: { labels: { app: 'web', 'a/b': 'x' }, annotations: { env: 'a b\nc', n: 1.5 } },
    'x.labels': { password: 's3cr3t' },
    labels: ['s3cr3t'],
  });
  const metadata = (labels: string[], annotations: string[] = [], ...secrets: StoredSecret[]): Desired =>
    run(
      specOf({
        data: [{ key: 'key', ref: 'db' }],
        labels: labels.map((ref, i) => ({ key: `l${i}`, ref })),
        annotations: annotations.map((ref, i) => ({ key: `a${i}`, ref })),
      }),
      answerOf(secret, ...secrets),
    );
  const desired = metadata(
    ['db.cocaCola.labels.app', 'db.cocaCola.annotations.n'],
    ['db.cocaCola.annotations.env', 'db.cocaCola.labels.a/b'],
  );
  assert.deepEqual(
    [...desired.labels],
    [
      ['l0', 'web'],
      ['l1', '1.5'],
    ],
  );
  assert.deepEqual(
    [...desired.annotations],
    [
      ['a0', 'a b\nc'],
      ['a1', 'x'],
    ],
  );
  assert.equal(
    failureOf(() => metadata(['db.x.labels.password'])).code,
    'RefNotFound',
    'a name that ends in .labels is no member labels',
  );
  assert.equal(failureOf(() => metadata(['db.labels.0'])).code, 'RefNotFound');
  assert.equal(
    failureOf(() => metadata(['team.labels.password'], [], stored('team.labels', { password: 's3cr3t' })))
      .code,
    'NotGranted',
  );
  assert.equal(
    failureOf(() => metadata([], ['team.labels.password'], stored('team.labels.password', 's3cr3t'))).code,
    'NotGranted',
  );
});

test('a label value that Kubernetes would not take names the key and not the value', () => {
  const secret = stored('db', { labels: { bad: 's3cr3t value', long: 's3cr3t'.repeat(11), empty: '' } });
  const label = (name: string): Desired =>
    run(
      specOf({ data: [{ key: 'key', ref: 'db' }], labels: [{ key: 'app', ref: `db.labels.${name}` }] }),
      answerOf(secret),
    );
  for (const name of ['bad', 'long']) {
    const failure = failureOf(() => label(name));
    assert.equal(failure.code, 'ValueInvalid');
    assert.match(failure.message, /^spec\.labels\[0\]: the value for app /);
    assert.doesNotMatch(failure.message, /s3cr3t/);
  }
  assert.equal(label('empty').labels.get('app'), '');
});

test('annotations have a size together', () => {
  const secret = stored('db', { annotations: { big: 'x'.repeat(200_000) } });
  const spec = specOf({
    data: [{ key: 'key', ref: 'db' }],
    annotations: [
      { key: 'a', ref: 'db.annotations.big' },
      { key: 'b', ref: 'db.annotations.big' },
    ],
  });
  const failure = failureOf(() => run(spec, answerOf(secret)));
  assert.deepEqual([failure.code, failure.message.includes('for b ')], ['ValueInvalid', true]);
});

test('a Secret of more than 1 MiB is not made', () => {
  const secret = stored('big', { a: 'x'.repeat(1024 * 1024 - 1), one: '1', two: 'é' });
  const sum = (other: string): Desired =>
    run(
      specOf({
        data: [
          { key: 'a', ref: 'big.a' },
          { key: 'b', ref: `big.${other}` },
        ],
      }),
      answerOf(secret),
    );
  assert.equal(sum('one').data.size, 2);
  const failure = failureOf(() => sum('two'));
  assert.deepEqual([failure.code, failure.stage], ['SecretTooLarge', 'write']);
  assert.match(failure.message, /^spec\.data\[1\]: with this value /);
});

test('half a surrogate pair becomes no other value', () => {
  const failure = failureOf(() => read('s.a', stored('s', '{"a":"\\ud800s3cr3t"}')));
  assert.equal(failure.code, 'ValueInvalid');
  assert.doesNotMatch(failure.message, /s3cr3t/);
  assert.equal(read('s.a', stored('s', '{"a":"\\ud83d\\ude00"}')), '😀');
});

test('one broken secret concerns only those who use it', () => {
  const secrets = [
    stored('ok', { a: '1' }),
    stored('broken', '{"s3cr3t":'),
    stored('deep', `${'['.repeat(65)}"s3cr3t"${']'.repeat(65)}`),
    stored('yaml', 's3cr3t: *x', { format: 'yaml' }),
  ];
  assert.equal(read('ok.a', ...secrets), '1');
  assert.equal(read('broken', ...secrets), '{"s3cr3t":');
  for (const [ref, code] of [
    ['broken.s3cr3t', 'RefNotFound'],
    ['deep.0', 'RefInvalid'],
    ['yaml.a', 'RefInvalid'],
    ['$.deep[0]', 'RefInvalid'],
  ] as const) {
    const failure = failureOf(() => read(ref, ...secrets));
    assert.equal(failure.code, code, ref);
    assert.doesNotMatch(failure.message.replace(ref, ''), /s3cr3t/);
  }
});

test('YAML is looked into as JSON is', () => {
  const secret = stored(
    'y',
    'db:\n  port: 0012\n  big: 12345678901234567890\n  user: root\n  list: [a, b]\n',
    { format: 'yaml' },
  );
  assert.deepEqual(
    ['y.db.port', 'y.db.big', 'y.db.user', '$.y.db.list[1]', 'y.db'].map((ref) => read(ref, secret)),
    [
      '0012',
      '12345678901234567890',
      'root',
      'b',
      '{"port":"0012","big":12345678901234567890,"user":"root","list":["a","b"]}',
    ],
  );
});

test('all or nothing: the first ref that fails is told', () => {
  const spec = specOf({
    data: [
      { key: 'a', ref: 'nested.text' },
      { key: 'b', ref: 'nested.missing' },
      { key: 'c', ref: 'gone.x' },
    ],
  });
  const failure = failureOf(() => run(spec, answerOf(nested)));
  assert.match(failure.message, /^spec\.data\[1\]\.ref \(nested\.missing\): /);
  assert.equal(failure.context.secret, 'nested');
  assert.deepEqual(failure.within({ name: 'x' }).refs, [
    { where: 'spec.data[1].ref', ref: 'nested.missing', code: 'RefNotFound' },
    { where: 'spec.data[2].ref', ref: 'gone.x', code: 'NotGranted' },
  ]);
});
