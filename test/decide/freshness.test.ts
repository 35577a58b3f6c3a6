import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '../../agent/decide/facts.ts';
import { confirmation, isForced, needAfter, toleranceOf } from '../../agent/decide/freshness.ts';
import { verdictOf } from '../../agent/decide/verdict.ts';
import type { View } from '../../agent/decide/view.ts';
import { foreignMeta, resourceOf, specOf } from '../sync/objects.ts';
import { factsOf, failureOf, GENERATION, iso, NOW, shownOf, viewOf, WALL, wroteOf } from './views.ts';

const SPEC = specOf({ refreshInterval: '1h' });
const TOLERANCE_MS = 30_000;
const FAILING = { why: failureOf('SafeTimeout'), since: NOW - 90_000, attemptedAt: NOW - 10_000 };
const away = { answerBegunAt: NOW - 100_000, confirmedAt: NOW - 100_000, failing: FAILING };
const SEEN_AT = factsOf().seenAt;
const unseen: Facts['refresh'] = { value: 'now', seenAt: NOW - 500, handled: false };

const need = (change: Partial<View>, spec = SPEC): number => {
  const view = viewOf(change);
  return needAfter(view, spec, verdictOf(view, spec));
};
/** The Secret of `factsOf({wrote: wroteOf()})` as this process wrote it. */
const right = shownOf();
const edited = shownOf({ resourceVersion: '201', ours: 'what is left', others: 'kubectl' });
const lost = { how: 'gone', at: NOW - 100, wasThere: true, agentWroteAt: undefined } as const;
const wrote = factsOf({ wrote: wroteOf({ answerBegunAt: NOW - 50_000 }) });

test('the tolerance is a tenth of the interval and 30 s at most', () => {
  assert.deepEqual([0, 10_000, 300_000, 3_600_000].map(toleranceOf), [0, 1_000, 30_000, 30_000]);
});

test('a new or changed resource takes what is no older than the tolerance when it was seen', () => {
  assert.equal(need({}), SEEN_AT - TOLERANCE_MS);
  assert.equal(need({}, specOf({ refreshInterval: '10s' })), SEEN_AT - 1_000);
  assert.equal(need({}, specOf({ refreshInterval: '0s' })), SEEN_AT);
  assert.equal(need({ target: right, facts: wrote }), SEEN_AT - TOLERANCE_MS);
});

test('while Safe fails a new resource takes whatever is there', () => {
  assert.equal(need({ safe: away }), -Infinity);
});

test('a refresh that somebody asked for wants an answer begun since', () => {
  assert.equal(need({ facts: factsOf({ refresh: unseen }) }), unseen.seenAt);
  assert.equal(need({ facts: factsOf({ refresh: { ...unseen, handled: true } }) }), SEEN_AT - TOLERANCE_MS);
});

test('while Safe fails it wants one attempt begun since, and then takes what is there', () => {
  const facts = factsOf({ refresh: unseen });
  assert.equal(need({ facts, safe: away }), unseen.seenAt);
  const attempted = { ...away, failing: { ...FAILING, attemptedAt: unseen.seenAt } };
  assert.equal(need({ facts, safe: attempted }), -Infinity);
  assert.equal(isForced(viewOf({ facts, safe: away })), true);
  assert.equal(isForced(viewOf({ facts, safe: attempted })), false);
});

test('what another agent may have written is written over only from an answer begun after that was seen', () => {
  const agentWroteAt = NOW - 5;
  for (const safe of [viewOf().safe, away])
    assert.equal(need({ target: { ...right, agentWroteAt }, facts: wrote, safe }), agentWroteAt);
});

for (const [what, target] of Object.entries({ edited, lost }))
  test(`a Secret that was ${what} gets what is known, and nothing older than what was in it`, () => {
    assert.equal(need({ target, facts: wrote }), NOW - 50_000);
  });

test('a Secret that was there when the agent began, and was lost since, gets what is known', () => {
  assert.equal(need({ target: lost }), -Infinity);
});

test('a Secret that another agent made, and this one never wrote, is a new one', () => {
  assert.equal(need({ target: shownOf() }), SEEN_AT - TOLERANCE_MS);
});

test('while Safe fails nothing older is written than what was written', () => {
  assert.equal(need({ target: right, facts: wrote, safe: away }), NOW - 50_000);
});

test('somebody’s Secret that is taken over gets what Safe has when consent was seen, whether Safe fails or not', () => {
  const target = { ...shownOf(), meta: foreignMeta({ adoptable: true }), at: NOW - 200 } as const;
  for (const safe of [viewOf().safe, away]) assert.equal(need({ target, safe }), NOW - 200 - TOLERANCE_MS);
});

test('of a Secret with consent that this process wrote already an edit is repaired from what is known', () => {
  const target = { ...edited, meta: foreignMeta({ adoptable: true }), at: NOW - 200 } as const;
  assert.equal(need({ target, facts: wrote, safe: away }), NOW - 50_000);
});

const ASKS = specOf({ maxStaleness: '1m' });
const confirmed = (change: Partial<View>, isRight = true, spec = ASKS) =>
  confirmation(viewOf(change), spec, isRight);

test('who does not ask for freshness is told nothing', () => {
  assert.equal(confirmed({ facts: wrote }, true, SPEC), undefined);
});

test('a right Secret is as fresh as Safe’s last confirmation, or as what was written if that is newer', () => {
  const at = (confirmedAt: number | undefined) =>
    confirmed({ facts: wrote, safe: { ...viewOf().safe, confirmedAt } });
  assert.deepEqual(at(NOW - 10_000), { fresh: true, until: NOW + 50_000 });
  assert.deepEqual(at(NOW - 60_000), { fresh: true, until: NOW + 10_000 });
  assert.deepEqual(at(undefined), { fresh: true, until: NOW + 10_000 });
});

test('a Secret that is not right is as fresh as what was written', () => {
  const safe = { ...viewOf().safe, confirmedAt: NOW };
  assert.deepEqual(confirmed({ facts: wrote, safe }, false), { fresh: true, until: NOW + 10_000 });
});

test('it is stale from the very moment on', () => {
  const facts = factsOf({ wrote: wroteOf({ answerBegunAt: NOW - 60_000 }) });
  assert.deepEqual(confirmed({ facts }), { fresh: false, until: NOW });
});

const resourceWith = (status: object) => resourceOf({ generation: GENERATION, status });
const SECRET = { name: 'db', resourceVersion: '200' };

test('after a restart the status remembers since when Safe fails, by the wall clock', () => {
  const failing = (code: string) => ({
    failure: { stage: 'connect', code, message: '', hint: '', since: iso(WALL - 20_000) },
  });
  assert.deepEqual(confirmed({ resource: resourceWith({ secret: SECRET, ...failing('SafeTimeout') }) }), {
    fresh: true,
    until: NOW + 40_000,
  });
  assert.deepEqual(confirmed({ resource: resourceWith({ secret: SECRET, ...failing('RefNotFound') }) }), {
    // Who failed by itself does not remember.
    fresh: false,
    until: NOW + 60_000,
  });
});

test('after a restart it counts from when Safe began to fail, or from now', () => {
  const resource = resourceWith({ secret: SECRET });
  assert.deepEqual(confirmed({ resource, safe: away }), { fresh: false, until: NOW - 30_000 });
  assert.deepEqual(confirmed({ resource }), { fresh: true, until: NOW + 60_000 });
});

test('without a Secret nothing is fresh', () => {
  assert.equal(confirmed({})?.fresh, false);
});
