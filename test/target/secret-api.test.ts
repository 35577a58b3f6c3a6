import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, hintFor, type Code } from '../../agent/api/reasons.ts';
import {
  meaningOf,
  SecretApiError,
  type Refusal,
  type RefusalDetails,
} from '../../agent/target/secret-api.ts';

const context = { namespace: 'team-a', name: 'resource', target: 'db' };
const meaning = (refusal: Refusal, details: RefusalDetails = {}, theirs = false) =>
  meaningOf(new SecretApiError(refusal, details), 'db', context, theirs);

for (const [refusal, what] of [
  ['stale', 'stale'],
  ['missing', 'stale'],
  ['terminating', 'terminating'],
] as const)
  test(`${refusal} is no failure of the resource: ${what}`, () => {
    assert.equal(meaning(refusal), what);
  });

const FAILURES: readonly [Refusal, RefusalDetails, Code, RegExp][] = [
  ['field-conflict', {}, 'TargetConflict', /somebody else holds fields of Secret db/],
  ['forbidden', {}, 'WriteForbidden', /forbids writing Secret db$/],
  ['forbidden', { by: 'rights' }, 'WriteForbidden', /: the agent's rights do not reach so far$/],
  ['forbidden', { by: 'quota' }, 'WriteForbidden', /: a quota of the namespace is used up$/],
  ['unauthorized', {}, 'ApiUnavailable', /does not accept the agent's token/],
  ['unavailable', {}, 'ApiUnavailable', /did not take the write of Secret db$/],
  ['too-large', {}, 'SecretTooLarge', /1 MiB/],
  ['immutable', { fields: ['type'] }, 'TargetImmutable', /has another type/],
  ['immutable', { fields: ['data'] }, 'TargetImmutable', /is immutable/],
  ['immutable', { fields: ['immutable'] }, 'TargetImmutable', /is immutable/],
  ['invalid', {}, 'WriteRejected', /rejects Secret db as invalid$/],
  ['invalid', { fields: ['data[a b]'] }, 'WriteRejected', /as invalid: data\[a b\]$/],
  [
    'invalid',
    { by: 'webhook', fields: ['x'] },
    'WriteRejected',
    /: an admission webhook refuses it, or fails$/,
  ],
];

for (const [refusal, details, code, message] of FAILURES)
  test(`${refusal} ${details.by ?? ''}${details.fields ?? ''} is ${code}, with names that its hint needs`, () => {
    const failure = meaning(refusal, details);
    assert.ok(failure instanceof Failure);
    assert.equal(failure.code, code);
    assert.match(failure.message, message);
    assert.deepEqual(failure.context, { ...context, theirs: false, refusedBy: details.by });
    assert.doesNotMatch(hintFor(code, failure.context), /\b(NAME|NAMESPACE|SECRET)\b/);
  });

test('the wish of the API server to wait, and its reason, are handed on', () => {
  const failure = meaning('unavailable', { retryAfterMs: 7_000, reason: 'TooManyRequests' }) as Failure;
  assert.deepEqual([failure.retryAfterMs, failure.reason], [7_000, 'TooManyRequests']);
  const bare = meaning('unavailable') as Failure;
  assert.deepEqual([bare.retryAfterMs, bare.reason], [undefined, 'unavailable']);
});

test('whose Secret it is shows in the hint', () => {
  const [own, theirs] = [false, true].map((whose) => {
    const failure = meaning('immutable', {}, whose) as Failure;
    return hintFor(failure.code, failure.context);
  });
  assert.notEqual(own, theirs);
});
