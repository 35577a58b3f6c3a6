import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../../agent/api/reasons.ts';
import type { VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { decide } from '../../agent/decide/decide.ts';
import type { Act } from '../../agent/decide/decision.ts';
import { needAfter } from '../../agent/decide/freshness.ts';
import { isAsWritten, verdictOf } from '../../agent/decide/verdict.ts';
import type { View } from '../../agent/decide/view.ts';
import { desiredOf, resourceOf, secretMeta, specOf } from '../sync/objects.ts';
import { factsOf, failureOf, GENERATION, NODE, NOW, shownOf, view, viewOf, wroteOf } from './views.ts';

const RUNS = { numRuns: 3_000 };
const holds = (say: (seen: View) => void): void => fc.assert(fc.property(view, say), RUNS);
/** Acts that change something on the API server. */
const MUTATIONS: readonly Act['do'][] = ['create', 'write', 'deleteFormer'];
const act = (seen: View): Act => decide(seen).act;
const mutates = (seen: View): boolean => MUTATIONS.includes(act(seen).do);

/** A view that cannot be changed, not even deep within. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const one of Object.values(value)) frozen(one);
  return value;
}

test('every view has a decision, and equal views have equal ones', () => {
  holds((seen) => {
    const first = decide(frozen(seen));
    assert.deepEqual(decide({ ...seen, facts: { ...seen.facts }, resource: { ...seen.resource } }), first);
  });
});

test('every act comes about', () => {
  const missing = new Set<Act['do']>([
    'nothing',
    'letGo',
    'resolve',
    'ask',
    'lookUp',
    'recognise',
    ...MUTATIONS,
  ]);
  for (const seen of fc.sample(view, { numRuns: 10_000, seed: 1 })) missing.delete(act(seen).do);
  assert.deepEqual([...missing], []);
});

test('nothing is changed while the resource is gone, another’s, suspended, held, wrong, or its namespace ends', () => {
  holds((seen) => {
    const { resource, owned, spec, heldBy, facts } = seen;
    const idle =
      resource.deleting ||
      !owned ||
      spec instanceof Failure ||
      spec.suspend ||
      heldBy !== undefined ||
      facts.terminating;
    if (idle) assert.ok(!mutates(seen), act(seen).do);
  });
});

test('a resource is let go of if and only if it is gone, or another agent’s', () => {
  holds((seen) => assert.equal(act(seen).do === 'letGo', seen.resource.deleting || !seen.owned));
});

test('a Secret is made only where nothing is known to be, and never to merge into', () => {
  holds((seen) => {
    if (act(seen).do !== 'create') return;
    assert.ok(['unknown', 'gone', 'absent'].includes(seen.target.how), seen.target.how);
    assert.ok(!(seen.spec instanceof Failure) && seen.spec.target.creationPolicy !== 'Merge');
  });
});

test('a write is over the very version that is known, which the resource owns, an agent made, or somebody lets it have', () => {
  holds((seen) => {
    const decided = act(seen);
    if (decided.do !== 'write') return;
    const { target, spec, resource } = seen;
    assert.ok('meta' in target && decided.over === target.meta);
    const { createdByAgent, adoptable, ownerUids } = decided.over;
    assert.ok(createdByAgent || adoptable || ownerUids.includes(resource.uid));
    assert.ok(!(spec instanceof Failure));
    assert.equal(decided.force, spec.target.creationPolicy !== 'Merge');
  });
});

test('a former Secret is deleted as it is known, and never one that somebody names or that goes already', () => {
  holds((seen) => {
    const decided = act(seen);
    if (decided.do !== 'deleteFormer') return;
    assert.equal(decided.meta, seen.former?.meta);
    assert.equal(seen.former?.claimedBy, undefined);
    assert.equal(decided.meta.deleting, false);
    assert.ok(decided.meta.ownerUids.includes(seen.resource.uid));
  });
});

test('a former Secret is deleted only once the new one is right', () => {
  holds((seen) => {
    if (act(seen).do !== 'deleteFormer' || seen.spec instanceof Failure) return;
    assert.ok(isAsWritten(verdictOf(seen, seen.spec)));
  });
});

test('what is written was resolved for this generation, of the answer in memory, which is as new as it has to be', () => {
  holds((seen) => {
    const { do: what } = act(seen);
    if ((what !== 'create' && what !== 'write' && what !== 'recognise') || seen.spec instanceof Failure)
      return;
    const { content, safe, resource, facts, target } = seen;
    assert.ok(content && 'desired' in content);
    assert.equal(content.generation, resource.generation);
    assert.equal(content.answerBegunAt, safe.answerBegunAt);
    assert.ok(content.answerBegunAt >= needAfter(seen, seen.spec, verdictOf(seen, seen.spec)));
    // Whatever the table says.
    assert.ok(content.answerBegunAt >= (facts.wrote?.answerBegunAt ?? -Infinity));
    assert.ok(content.answerBegunAt >= (target.agentWroteAt ?? -Infinity));
  });
});

test('a Secret is taken for ours as it stands only as the watch shows it and the status proves it', () => {
  holds((seen) => {
    const decided = act(seen);
    if (decided.do !== 'recognise') return;
    const { target, resource, facts } = seen;
    assert.ok(target.how === 'shown' && decided.meta === target.meta);
    assert.equal(resource.status.secret?.resourceVersion, target.meta.resourceVersion);
    assert.equal(resource.status.observedGeneration, resource.generation);
    assert.equal(facts.wrote, undefined);
  });
});

test('the resource is called right only where the Secret is as this process wrote it', () => {
  holds((seen) => {
    const { tell } = decide(seen);
    if (!tell?.secret || seen.spec instanceof Failure) return;
    const verdict = verdictOf(seen, seen.spec);
    assert.ok(isAsWritten(verdict));
    assert.equal(tell.secret.resourceVersion, verdict.meta.resourceVersion);
  });
});

test('an answer is asked for only where there is none that is new enough', () => {
  holds((seen) => {
    const decided = act(seen);
    const { answerBegunAt } = seen.safe;
    if (decided.do === 'ask') assert.ok(answerBegunAt === undefined || answerBegunAt < decided.begunAfter);
  });
});

test('who does something does it now, and who waits does not wait for the past', () => {
  holds((seen) => {
    const { act: decided, again } = decide(seen);
    if (decided.do !== 'nothing' && decided.do !== 'ask') assert.equal(again, undefined);
    const expired = (seen.facts.resolved?.expiresAt ?? Infinity) <= seen.wall;
    if (again !== undefined && !expired) assert.ok(again > seen.now, `${seen.now - again} ms ago`);
  });
});

test('nobody rests on a status that is about to say something else', () => {
  const meta = secretMeta();
  const status: VSecMSecretStatus = {
    node: NODE,
    observedGeneration: GENERATION,
    secret: { name: meta.name, resourceVersion: meta.resourceVersion },
    conditions: [{ type: 'Ready', status: 'True', reason: 'Synced', message: '', lastTransitionTime: '' }],
  };
  const seen = viewOf({
    spec: specOf({ refreshInterval: '0s' }),
    resource: resourceOf({ generation: GENERATION, status }),
    target: shownOf(),
  });
  assert.deepEqual(decide(seen).because, 'asDeclared');
  const told = { status, failure: failureOf('WriteForbidden'), notGranted: [] };
  assert.notEqual(decide({ ...seen, facts: factsOf({ told }) }).because, 'asDeclared');
});

test('consent that is withdrawn ends the writes, also of a Secret that is as it was written', () => {
  for (const creationPolicy of ['Merge', 'Orphan']) {
    const theirs = { createdByAgent: false, ownerUids: [], adoptable: false };
    const seen = viewOf({
      spec: specOf({ target: { creationPolicy } }),
      target: shownOf(theirs),
      facts: factsOf({ wrote: wroteOf({ print: 'p' }) }),
      safe: { answerBegunAt: NOW, confirmedAt: NOW, failing: undefined },
      content: { generation: GENERATION, answerBegunAt: NOW, desired: desiredOf(), print: 'q' },
    });
    const { act: decided, tell } = decide(seen);
    assert.equal(decided.do, 'nothing');
    assert.equal(tell?.failure?.code, 'TargetConflict');
  }
});
