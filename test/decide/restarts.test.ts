import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../agent/decide/decide.ts';
import { revisionWith } from '../../agent/decide/restarts.ts';
import type { View } from '../../agent/decide/view.ts';
import { desiredOf, resourceOf, specOf } from '../sync/objects.ts';
import { factsOf, GENERATION, NOW, shownOf, viewOf, wroteOf } from './views.ts';

const spec = specOf({ restart: [{ kind: 'Deployment', name: 'shop' }] });
const content = (contents: string): View['content'] => ({
  generation: GENERATION,
  answerBegunAt: NOW,
  desired: desiredOf(),
  print: 'p',
  contents,
});
const wrote = wroteOf({ contents: 'c', revision: 4 });
const told = (revision: number, more: object = {}) =>
  resourceOf({
    generation: GENERATION,
    status: { observedGeneration: 1, secret: { name: 'db', resourceVersion: '7', revision }, ...more },
  });
const resolved = {
  generation: GENERATION,
  answerBegunAt: NOW,
  print: 'p',
  sources: 2,
  sourceUpdated: 'u',
  expiresAt: undefined,
  notGranted: [],
};
const compared = { uid: 'secret-1', resourceVersion: '200', print: 'p', differs: true };

const CASES: Record<string, [view: Partial<View>, revision: number | 'unknown']> = {
  'a first write': [{}, 1],
  'the first write since it counts': [{ target: shownOf() }, 1],
  'the content that this process wrote': [{ target: shownOf({ revision: 4 }), facts: factsOf({ wrote }) }, 4],
  'the same, with a number that somebody edited': [
    { target: shownOf({ revision: 99 }), facts: factsOf({ wrote }) },
    4,
  ],
  'the same, made anew': [{ facts: factsOf({ wrote }) }, 4],
  'other content than this process wrote': [
    { target: shownOf({ revision: 4 }), facts: factsOf({ wrote }), content: content('d') },
    5,
  ],
  'a Secret that was deleted while nobody looked': [{ resource: told(4) }, 4],
  'nothing new by spec and Safe': [
    {
      target: shownOf({ revision: 5 }),
      resource: told(4, { observedGeneration: GENERATION, sourceUpdated: 'u' }),
      facts: factsOf({ resolved }),
    },
    5,
  ],
  'something new, and nobody knows what': [
    { target: shownOf({ revision: 4 }), resource: told(4) },
    'unknown',
  ],
  'what another agent may have written': [
    {
      target: { ...shownOf({ revision: 5 }), agentWroteAt: NOW },
      facts: factsOf({ wrote }),
      content: content('d'),
    },
    'unknown',
  ],
  'a Secret that was compared, and differs': [
    { target: shownOf({ revision: 4 }), facts: factsOf({ compared }) },
    5,
  ],
  'a Secret that was compared, and does not': [
    { target: shownOf({ revision: 4 }), facts: factsOf({ compared: { ...compared, differs: false } }) },
    4,
  ],
  'another version than was compared': [
    { target: shownOf({ revision: 4, resourceVersion: '201' }), facts: factsOf({ compared }) },
    'unknown',
  ],
};

for (const [what, [change, revision]] of Object.entries(CASES)) {
  test(`the revision with ${what} is ${revision}`, () => {
    assert.equal(revisionWith(viewOf({ spec, content: content('c'), ...change }), spec), revision);
  });
}

test('who restarts nothing has no revision', () => {
  assert.equal(revisionWith(viewOf({ content: content('c') }), specOf()), undefined);
});

test('a restart is asked for once for each revision, generation and workload', () => {
  const status = { restarts: [{ kind: 'Deployment', name: 'shop', revision: 3 }] as const };
  const at = { generation: GENERATION, revision: 4 };
  const act = (asked?: { generation: number; revision: number; workloads: string[] }): string =>
    decide(
      viewOf({
        spec,
        target: shownOf({ revision: 4 }),
        safe: { answerBegunAt: NOW, confirmedAt: NOW, failing: undefined },
        facts: factsOf({
          wrote,
          resolved,
          told: { status, failure: undefined, notGranted: [] },
          ...(asked && { asked }),
        }),
      }),
    ).act.do;
  assert.equal(act(), 'restart');
  assert.equal(act({ ...at, workloads: ['deployment/shop'] }), 'nothing');
  assert.equal(act({ ...at, workloads: ['deployment/other'] }), 'restart');
  assert.equal(act({ ...at, revision: 3, workloads: ['deployment/shop'] }), 'restart');
  assert.equal(act({ ...at, generation: 1, workloads: ['deployment/shop'] }), 'restart');
});
