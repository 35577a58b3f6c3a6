import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { SafeError } from '../../agent/safe/error.ts';
import { parseResponse } from '../../agent/safe/response.ts';
import { parseRetryAfter } from '../../agent/safe/retry-after.ts';
import { sample } from './harness.ts';

const CANARY = 'c4n4ry-v4lue';

function stored(
  over: Record<string, unknown> = {},
  meta: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    name: 'raw:one',
    value: CANARY,
    valueTransformed: CANARY,
    meta: { namespaces: ['default'], template: '', Format: '', correlationId: 'abc', ...meta },
    created: '2026-01-01T00:00:00Z',
    updated: '2026-01-01T00:00:00.00000006Z',
    notBefore: '2026-01-01T00:00:00Z',
    expiresAfter: '9999-12-31T23:59:59.999999999Z',
    ...over,
  };
}

const body = (data: unknown, over: Record<string, unknown> = {}): Buffer =>
  Buffer.from(JSON.stringify({ data, created: '', updated: '', ...over }));
const array = (...elements: unknown[]): Buffer => body(JSON.stringify(elements));
const two = { name: 'raw:two' };

function failureOf(status: number, bytes: Uint8Array): SafeError {
  try {
    parseResponse(status, bytes);
  } catch (error) {
    assert.ok(error instanceof SafeError);
    assert.ok(!inspect(error, { depth: 9 }).includes(CANARY));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a failure' });
}

for (const [status, code] of [
  [400, 'SafeNotReady'],
  [503, 'SafeNotReady'],
  [404, 'SafeHasNoSecrets'],
  [500, 'SafeError'],
  [401, 'SafeError'],
  [429, 'SafeError'],
  [204, 'SafeError'],
  [302, 'SafeError'],
  [307, 'SafeError'],
] as const) {
  test(`status ${status} is ${code}, whatever the body`, () => {
    const error = failureOf(status, Buffer.from(CANARY));
    assert.deepEqual([error.code, error.status], [code, status]);
  });
}

const malformed: [string, Uint8Array, string][] = [
  ['an empty body', Buffer.alloc(0), 'EMPTY_BODY'],
  ['a body of spaces', Buffer.from('  '), 'NOT_JSON'],
  ['HTML', Buffer.from(`<html>${CANARY}`), 'NOT_JSON'],
  ['a body that was cut off', array(stored(), stored(two)).subarray(0, -40), 'NOT_JSON'],
  ['a body in gzip', gzipSync(array(stored(), stored(two))), 'NOT_JSON'],
  [
    'bytes that are no UTF-8',
    Buffer.concat([
      Buffer.from('{"data":"'),
      Buffer.from([0xff]),
      Buffer.from('","created":"","updated":""}'),
    ]),
    'NOT_JSON',
  ],
  ['JSON null', Buffer.from('null'), 'NOT_SAFES_SHAPE'],
  ['a JSON array', Buffer.from('[]'), 'NOT_SAFES_SHAPE'],
  ['a JSON text', Buffer.from(JSON.stringify(CANARY)), 'NOT_SAFES_SHAPE'],
  ['data that is no text', body({ value: CANARY }), 'NOT_SAFES_SHAPE'],
  ["another service's object", Buffer.from(JSON.stringify({ data: CANARY })), 'NOT_SAFES_SHAPE'],
  ['empty data', body(''), 'EMPTY_DATA'],
  ['an answer with err', body(CANARY, { err: 'no' }), 'ANSWER_WITH_ERR'],
];
for (const [what, bytes, cause] of malformed) {
  test(`${what} in a 200 is ResponseMalformed`, () => {
    const error = failureOf(200, bytes);
    assert.deepEqual([error.code, error.cause], ['ResponseMalformed', cause]);
  });
}

test('two elements of full shape are a named answer, also with fields that nobody knows yet', () => {
  const answer = parseResponse(200, array(stored({ extra: 1 }), stored(two, { extra: 1 })));
  assert.equal(answer.kind, 'named');
  assert.deepEqual([...answer.secrets.keys()], ['one', 'two']);
});

const notSafes: [string, Buffer][] = [
  ['one element', array(stored())],
  ['no element', array()],
  ['an element that is no object', array(stored(), stored(two), 'x')],
  ['an element that is null', array(stored(), null, stored(two))],
  ['a name without raw:', array(stored(), stored({ name: 'two' }))],
  ['a name with k8s:', array(stored(), stored({ name: 'k8s:two' }))],
  ['a name that repeats', array(stored(), stored(two), stored())],
  ['an object instead of an array', body(JSON.stringify({ 0: stored(), 1: stored(two) }))],
  ['an array that does not parse', body(`${JSON.stringify([stored(), stored(two)]).slice(0, -1)},`)],
  ['a space before the array', body(` ${JSON.stringify([stored(), stored(two)])}`)],
  [
    "the dates of a workload's secret",
    body(JSON.stringify([stored(), stored(two)]), {
      created: '"2026-11-23T23:20:56Z"',
      updated: '"2026-11-23T23:20:56Z"',
    }),
  ],
  ...['name', 'value', 'valueTransformed', 'meta', 'created', 'updated', 'notBefore', 'expiresAfter'].flatMap(
    (field): [string, Buffer][] => [
      [`an element without ${field}`, array(stored(), stored({ ...two, [field]: undefined }))],
      [`a ${field} that is a number`, array(stored(), stored({ ...two, [field]: 1 }))],
    ],
  ),
  ...['namespaces', 'template', 'Format', 'correlationId'].flatMap((field): [string, Buffer][] => [
    [`an element without meta.${field}`, array(stored(), stored(two, { [field]: undefined }))],
    [`a meta.${field} that is null`, array(stored(), stored(two, { [field]: null }))],
  ]),
  ['a namespace that is no text', array(stored(), stored(two, { namespaces: ['a', 1] }))],
];
for (const [what, bytes] of notSafes) {
  test(`${what}: nothing in the array is taken for a name or a grant`, () => {
    const answer = parseResponse(200, bytes);
    assert.equal(answer.kind, 'unnamed');
    assert.equal(answer.value, JSON.parse(bytes.toString()).data);
  });
}

const proofOf = (value: string): string => createHash('sha256').update(value).digest('hex');
const placeholder = (value: string) => stored({ name: 'raw:vsecm-agent-placeholder', value });

test('with a proof, a list is Safe’s only if the placeholder in it has the value that the proof is of', () => {
  const proof = proofOf('pl4ceholder');
  const genuine = parseResponse(200, array(stored(), placeholder('pl4ceholder')), proof);
  assert.equal(genuine.kind, 'named');
  assert.deepEqual([...genuine.secrets.keys()], ['one', 'vsecm-agent-placeholder']);
  for (const forged of [
    [stored(), stored(two)],
    [stored(), placeholder('guess')],
    [stored(), placeholder(proof)],
    [stored(), placeholder('')],
    [stored(), stored({ name: 'raw:raw:vsecm-agent-placeholder', value: 'pl4ceholder' })],
    [stored(), stored({ ...two, value: 'x', valueTransformed: 'pl4ceholder' })],
  ]) {
    const answer = parseResponse(200, array(...forged), proof);
    assert.ok(answer.kind === 'unnamed' && answer.unproven);
    assert.equal(answer.value, JSON.stringify(forged));
    assert.doesNotMatch(inspect(answer, { depth: 9 }) + JSON.stringify(answer), /guess|c4n4ry/);
  }
  const bare = parseResponse(200, body(CANARY), proof);
  assert.ok(bare.kind === 'unnamed' && !bare.unproven);
});

test('a date that does not parse makes that secret an expired one and leaves the others alone', () => {
  for (const field of ['updated', 'notBefore', 'expiresAfter']) {
    const answer = parseResponse(
      200,
      array(stored(), stored({ ...two, [field]: '2026-01-01T00:00:00+24:00' })),
    );
    assert.equal(answer.kind, 'named');
    const [good, broken] = [answer.secrets.get('one')!, answer.secrets.get('two')!];
    assert.deepEqual([good.unreadable, broken.unreadable], [[], [field]]);
    assert.ok(good.expiresAfter > 0n);
    // Earlier than any clock, and not "not yet valid": registering anew is what heals it, not waiting.
    assert.ok(broken.expiresAfter < -62_167_219_200_000_000_000n);
    assert.ok(broken.notBefore <= broken.expiresAfter);
  }
});

test('a notBefore counts only if it is after updated, by a nanosecond', () => {
  const at = (notBefore: string): bigint => {
    const answer = parseResponse(200, array(stored({ notBefore }), stored(two)));
    assert.equal(answer.kind, 'named');
    return answer.secrets.get('one')!.notBefore;
  };
  assert.ok(at('2026-01-01T00:00:00.00000006Z') < 0n);
  assert.ok(at('2026-01-01T05:30:00+05:30') < 0n);
  assert.equal(at('2026-01-01T00:00:00.000000061Z'), 1_767_225_600_000_000_061n);
  assert.equal(at('2026-01-01T00:00:00-00:01'), 1_767_225_660_000_000_000n);
});

const json = (thing: unknown): string =>
  JSON.stringify(thing, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

test('no way of printing shows a value or a template', async () => {
  const named = parseResponse(200, array(stored({}, { template: `{{.x}}${CANARY}` }), stored(two)));
  const unnamed = parseResponse(200, body(CANARY));
  assert.equal(named.kind, 'named');
  const secret = named.secrets.get('one')!;
  for (const thing of [
    named,
    unnamed,
    secret,
    [secret],
    { secret },
    named.secrets,
    { ...secret },
    Object.entries(secret),
  ]) {
    for (const text of [
      inspect(thing, { depth: 9, showHidden: true, getters: true }),
      json(thing),
      String(thing),
      json({ thing }),
    ]) {
      assert.ok(!text.includes(CANARY), text);
    }
  }
  assert.deepEqual(
    [String(secret), JSON.stringify(secret), inspect(secret)],
    ['[secret]', '"[secret]"', '[secret]'],
  );
  assert.deepEqual(
    [String(unnamed), JSON.stringify(unnamed), inspect(unnamed)],
    ['[secret]', '"[secret]"', '[secret]'],
  );
  assert.ok(
    !inspect(parseResponse(200, await sample('many-raw-secrets')), { depth: 9, showHidden: true }).includes(
      's3cr3t',
    ),
  );
});

const NOW = Date.UTC(2026, 0, 1);
const headers: [string | string[] | undefined, number | undefined][] = [
  [undefined, undefined],
  ['', undefined],
  ['7', 7000],
  [' 0 ', 0],
  [['3', '9'], 3000],
  ['999999999999999999999', 300_000],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['203', 203_000],
  ['2030', 300_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 00:00:30 GMT', 0],
  ['Fri, 01 Jan 2027 00:00:00 GMT', 300_000],
];
for (const [header, ms] of headers) {
  test(`Retry-After ${JSON.stringify(header)} means ${ms} ms`, () =>
    assert.equal(parseRetryAfter(header, NOW), ms));
}
