import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import type { Known } from '../../agent/decide/known.ts';
import { BORNE_OUT_MS, isProven, verdictOf } from '../../agent/decide/verdict.ts';
import type { View } from '../../agent/decide/view.ts';
import { foreignMeta, resourceOf, specOf } from '../sync/objects.ts';
import { factsOf, GENERATION, NOW, shownOf, viewOf, wroteOf } from './views.ts';

const rest = { wasThere: false, agentWroteAt: undefined };
const verdict = (change: Partial<View>, creationPolicy = 'Owner') =>
  verdictOf(viewOf(change), specOf({ target: { creationPolicy } }));
const wrote = factsOf({ wrote: wroteOf() });
const noFacts = factsOf();
const theirs = (change: Partial<SecretMeta> = {}): Known =>
  ({ ...shownOf(), meta: foreignMeta(change) }) as Known;

const ABSENT: readonly [Known, owner: string, merge: string][] = [
  [{ how: 'unknown', ...rest }, 'absent', 'unsure'],
  [{ how: 'gone', at: NOW, ...rest }, 'absent', 'unsure'],
  [{ how: 'absent', at: NOW - 1, ...rest }, 'absent', 'absent'],
  [{ how: 'absent', at: NOW - BORNE_OUT_MS, ...rest }, 'absent', 'unsure'],
  [{ how: 'doubted', ...rest }, 'unsure', 'unsure'],
];

for (const [target, owner, merge] of ABSENT)
  test(`a Secret that is ${target.how}${'at' in target ? ` for ${NOW - target.at} ms` : ''} is ${owner}, and to merge into ${merge}`, () => {
    assert.equal(verdict({ target }).is, owner);
    assert.equal(verdict({ target }, 'Orphan').is, owner);
    assert.equal(verdict({ target }, 'Merge').is, merge);
  });

test('one that was there and is not has been lost', () => {
  for (const wasThere of [true, false])
    assert.deepEqual(verdict({ target: { how: 'gone', at: NOW, ...rest, wasThere } }), {
      is: 'absent',
      lost: wasThere,
    });
});

/** Whose it is, and as what it stands. */
const standing = (change: Partial<View>): string => {
  const found = verdict(change);
  return found.is === 'there' ? `${found.whose}, ${found.as}` : found.is;
};

test('a look-up that no watch bore out is made again after a minute, or when somebody asks for a refresh', () => {
  const lookedUp = (agoMs: number): Known => ({ ...shownOf(), how: 'lookedUp', at: NOW - agoMs }) as Known;
  assert.equal(standing({ target: lookedUp(BORNE_OUT_MS - 1), facts: wrote }), 'ours, written');
  assert.equal(standing({ target: lookedUp(BORNE_OUT_MS), facts: wrote }), 'unsure');
  const refresh = { value: 'now', seenAt: NOW - 5, handled: false };
  assert.equal(standing({ target: lookedUp(10), facts: { ...wrote, refresh } }), 'unsure');
  assert.equal(standing({ target: lookedUp(5), facts: { ...wrote, refresh } }), 'ours, written');
});

const STANDING: Record<string, [change: Partial<SecretMeta>, as: string]> = {
  'as it was written': [{}, 'written'],
  'in another version, in which others changed what is theirs': [
    { resourceVersion: '201', others: 'x' },
    'written',
  ],
  'with other fields of ours': [{ resourceVersion: '201', ours: 'what is left' }, 'edited'],
  'with another date of ours': [{ resourceVersion: '201', appliedAt: '2026-01-01T00:00:07Z' }, 'edited'],
  'made anew': [{ uid: 'secret-2' }, 'other'],
};

for (const [what, [change, as]] of Object.entries(STANDING))
  test(`a Secret ${what} stands as ${as}`, () => {
    assert.equal(standing({ target: shownOf(change), facts: wrote }), `ours, ${as}`);
    // Whose it is does not depend on what was written into it.
    assert.equal(standing({ target: theirs(change), facts: noFacts }), 'theirs, other');
  });

test('one that another agent may have written since is no edit', () => {
  assert.equal(standing({ target: { ...shownOf(), agentWroteAt: NOW }, facts: wrote }), 'ours, other');
});

test('one that this process never wrote was not edited', () => {
  assert.equal(standing({ target: shownOf() }), 'ours, other');
});

test('ours is what this resource owns or an agent created; another resource’s is not', () => {
  assert.equal(standing({ target: theirs({ ownerUids: ['uid-db'] }) }), 'ours, other');
  assert.equal(standing({ target: theirs({ createdByAgent: true }) }), 'ours, other');
  assert.equal(standing({ target: theirs({ ownerUids: ['uid-other'] }) }), 'theirs, other');
  const labelled = theirs({ managed: true, appliedAt: '2026-01-01T00:00:00Z' });
  assert.equal(standing({ target: labelled }), 'theirs, other');
});

test('consent is asked of the Secret as it stands, also where we wrote', () => {
  assert.equal(standing({ target: theirs() }), 'theirs, other');
  assert.equal(standing({ target: theirs({ adoptable: true }) }), 'consented, other');
  const merged = { createdByAgent: false, ownerUids: [] };
  assert.equal(standing({ target: shownOf(merged), facts: wrote }), 'theirs, written');
  assert.equal(
    standing({ target: shownOf({ ...merged, adoptable: true }), facts: wrote }),
    'consented, written',
  );
});

test('a status proves the very version that the watch shows, of this generation, and only if it calls it right', () => {
  const status = {
    observedGeneration: GENERATION,
    secret: { name: 'db', resourceVersion: '200' },
    conditions: [
      { type: 'Ready' as const, status: 'True' as const, reason: '', message: '', lastTransitionTime: '' },
    ],
  };
  const proven = (change: object, target: Known = shownOf()) =>
    isProven(
      viewOf({ target, resource: resourceOf({ generation: GENERATION, status: { ...status, ...change } }) }),
    );
  assert.equal(proven({}), true);
  assert.equal(proven({}, { ...shownOf(), how: 'lookedUp' } as Known), false);
  assert.equal(proven({}, shownOf({ resourceVersion: '201' })), false);
  assert.equal(proven({ observedGeneration: 1 }), false);
  assert.equal(proven({ secret: { name: 'other', resourceVersion: '200' } }), false);
  assert.equal(proven({ secret: undefined }), false);
  assert.equal(proven({ conditions: [] }), false);
});
