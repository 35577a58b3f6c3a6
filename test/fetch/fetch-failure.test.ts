import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hintFor } from '../../agent/api/reasons.ts';
import { describeError, failureFields, safeFailure } from '../../agent/fetch/fetch-failure.ts';
import { SafeError } from '../../agent/safe/error.ts';
import { FakeClock } from '../fake-clock.ts';

const clock = new FakeClock();

test('the hints of log, Events and statuses are right in any trust domain, also for a Safe of another one', () => {
  const error = new SafeError('IdentityNotScout').of({ trustDomain: 'example.org', home: false });
  const { code, context } = describeError(error);
  const now = clock.now();
  const failure = {
    code,
    context,
    cause: undefined,
    peerSpiffeId: undefined,
    since: now,
    attemptedAt: now,
    nextRetryAt: now,
    attempts: 1,
  };
  const told = safeFailure({ url: 'https://safe', failure });
  const hints = [
    failureFields(failure, 'https://safe', undefined, new Set(), clock)['hint'],
    hintFor(told.code, told.context),
  ];
  for (const hint of hints) {
    assert.match(`${hint}`, /spiffe:\/\/\{\{ \.TrustDomain \}\}\//);
    assert.doesNotMatch(`${hint}`, /vsecm\.com\/|example\.org/);
  }
});

test('an error that nobody declared is one of Safe, and nothing of it is told', () => {
  assert.deepEqual(describeError(new TypeError('s3cret')), { code: 'SafeError', context: {} });
});
