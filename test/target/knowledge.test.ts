import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import { Knowledge, writer } from '../../agent/target/knowledge.ts';
import { FakeClock } from '../fake-clock.ts';
import { foreignMeta, secretMeta } from '../sync/objects.ts';

const KEY = 'team-a/db';
const LATER = '2026-01-01T00:00:07Z';
const version = (resourceVersion: string, change: Partial<SecretMeta> = {}): SecretMeta =>
  secretMeta({ resourceVersion, ...change });
/** Somebody's edit of what an agent left. */
const edited = (resourceVersion: string, change: Partial<SecretMeta> = {}): SecretMeta =>
  version(resourceVersion, { ours: 'what is left', others: `edit ${resourceVersion}`, ...change });

/** Knowledge behind a watch that has shown `first`. */
function begin(first?: SecretMeta) {
  const clock = new FakeClock();
  const start = clock.now();
  const shown = new Map<string, SecretMeta>();
  if (first) shown.set(KEY, { ...first, seenAt: start });
  const knowledge = new Knowledge({ shown, clock });
  return {
    clock,
    start,
    shown,
    knowledge,
    known: () => knowledge.of(KEY),
    /** What matters most of it, in short. */
    brief: () => {
      const known = knowledge.of(KEY);
      return 'meta' in known ? `${known.how} ${known.meta.resourceVersion}` : known.how;
    },
    byAgent: () => knowledge.of(KEY).agentWroteAt,
    watch: (now: SecretMeta | undefined) => {
      const before = shown.get(KEY);
      if (now) shown.set(KEY, now);
      else shown.delete(KEY);
      knowledge.watched(now, before);
    },
    begun: () => ({ mark: knowledge.mark(KEY), at: clock.now() }),
  };
}

test('of a Secret that no watch shows nothing is known', () => {
  assert.deepEqual(begin().known(), { how: 'unknown', wasThere: false, agentWroteAt: undefined });
});

test('one that the watch has shown is known since then, and was perhaps written by an agent before', () => {
  const { known, start } = begin(version('200'));
  const meta = version('200', { seenAt: start });
  assert.deepEqual(known(), { how: 'shown', meta, at: start, wasThere: true, agentWroteAt: start });
});

test('one that nobody of the agents ever wrote is no agent’s', () => {
  assert.equal(begin(foreignMeta()).byAgent(), undefined);
});

test('the newer version stands, wherever it comes from', () => {
  const { watch, brief, knowledge, begun } = begin(version('200'));
  brief();
  watch(version('201'));
  assert.equal(brief(), 'shown 201');
  knowledge.wrote(version('205'));
  assert.equal(brief(), 'lookedUp 205');
  watch(version('203'));
  assert.equal(brief(), 'lookedUp 205');
  const look = begun();
  watch(edited('206'));
  knowledge.lookedUp(KEY, version('207'), look);
  assert.equal(brief(), 'lookedUp 207');
  watch(version('1000'));
  assert.equal(brief(), 'shown 1000');
});

test('the watch bears out what was looked up or written, and that is nothing new', () => {
  for (const learn of ['lookedUp', 'wrote']) {
    const { watch, brief, knowledge, begun, known, clock } = begin();
    if (learn === 'wrote') knowledge.wrote(version('200'));
    else knowledge.lookedUp(KEY, version('200'), begun());
    const mark = knowledge.mark(KEY);
    const { agentWroteAt } = known();
    clock.jump(5_000);
    watch(version('200'));
    assert.equal(brief(), 'shown 200');
    assert.equal(knowledge.mark(KEY), mark);
    assert.equal(known().agentWroteAt, agentWroteAt);
  }
});

test('a version that the watch shows again is nothing new', () => {
  const { watch, knowledge, known } = begin(version('200'));
  const before = known();
  const mark = knowledge.mark(KEY);
  watch(version('200', { seenAt: 99 }));
  assert.deepEqual([knowledge.mark(KEY), known()], [mark, before]);
});

test('what nobody asks about is not kept, and forgotten when nobody does any more', () => {
  const { watch, knowledge, known } = begin();
  watch(version('200'));
  assert.equal(knowledge.size, 0);
  known();
  assert.equal(knowledge.size, 1);
  knowledge.forget(KEY);
  assert.equal(knowledge.size, 0);
  assert.equal(known().how, 'shown');
});

test('a look-up counts from when it was begun', () => {
  const { knowledge, begun, known, clock } = begin();
  const look = begun();
  clock.jump(3_000);
  knowledge.lookedUp(KEY, foreignMeta(), look);
  assert.deepEqual(known(), {
    how: 'lookedUp',
    meta: foreignMeta(),
    at: look.at,
    wasThere: true,
    agentWroteAt: undefined,
  });
});

test('a look-up that finds nothing says so', () => {
  const { knowledge, begun, known } = begin();
  const look = begun();
  knowledge.lookedUp(KEY, undefined, look);
  assert.deepEqual(known(), { how: 'absent', at: look.at, wasThere: false, agentWroteAt: undefined });
});

const MEANWHILE: Record<string, [by: (b: ReturnType<typeof begin>) => void, stands: string]> = {
  'a newer version was shown': [({ watch }) => watch(version('300')), 'shown 300'],
  'its end was shown': [({ watch }) => watch(undefined), 'gone'],
  'one made anew was shown': [({ watch }) => watch(version('300', { uid: 'anew' })), 'shown 300'],
  'it was written': [({ knowledge }) => knowledge.wrote(version('300')), 'lookedUp 300'],
  'it was deleted by this process': [({ knowledge }) => knowledge.deleted(KEY), 'gone'],
};

for (const [what, [happen, stands]] of Object.entries(MEANWHILE))
  for (const [found, meta] of Object.entries({ 'what was there': version('200'), nothing: undefined }))
    test(`a look-up that found ${found} is dropped if ${what} since it was begun`, () => {
      const world = begin(version('200'));
      const look = world.begun();
      happen(world);
      world.knowledge.lookedUp(KEY, meta, look);
      assert.equal(world.brief(), stands);
    });

test('a look-up that found a newer version than any that is known tells more, whatever happened since it was begun', () => {
  const { knowledge, begun, watch, brief } = begin(version('200'));
  const first = begun();
  watch(version('300'));
  knowledge.lookedUp(KEY, version('301'), first);
  assert.equal(brief(), 'lookedUp 301');
  // The label that the watch selects by was taken off: it is still there.
  const second = begun();
  watch(undefined);
  knowledge.lookedUp(KEY, version('302', { managed: false }), second);
  assert.equal(brief(), 'lookedUp 302');
});

test('a doubt makes what is known unsure, until somebody looks or the watch shows more', () => {
  for (const end of ['look', 'watch']) {
    const { knowledge, begun, watch, brief, known } = begin(version('200'));
    knowledge.doubt(KEY, knowledge.mark(KEY));
    assert.equal(brief(), 'doubted');
    assert.equal(known().wasThere, true);
    if (end === 'look') knowledge.lookedUp(KEY, version('201'), begun());
    else watch(version('201'));
    assert.equal(brief(), end === 'look' ? 'lookedUp 201' : 'shown 201');
  }
});

test('a doubt about what has been followed by something newer is none', () => {
  const { knowledge, watch, brief } = begin(version('200'));
  const mark = knowledge.mark(KEY);
  watch(version('201'));
  knowledge.doubt(KEY, mark);
  assert.equal(brief(), 'shown 201');
});

test('a look-up begun before a doubt does not end it', () => {
  const { knowledge, begun, brief } = begin(version('200'));
  const look = begun();
  knowledge.doubt(KEY, look.mark);
  knowledge.lookedUp(KEY, version('200'), look);
  assert.equal(brief(), 'doubted');
});

test('an own write is nobody else’s, whether its answer or its event comes first', () => {
  for (const first of ['answer', 'event']) {
    const { knowledge, watch, known, byAgent, brief } = begin();
    known();
    const own = version('200');
    if (first === 'event') {
      watch(own);
      assert.notEqual(byAgent(), undefined);
    }
    knowledge.wrote(own);
    if (first === 'answer') watch(own);
    assert.deepEqual([brief(), byAgent()], ['shown 200', undefined]);
  }
});

test('what somebody did between an own write and its answer stands', () => {
  const { knowledge, watch, known, brief, byAgent } = begin();
  known();
  watch(version('200'));
  watch(edited('201'));
  knowledge.wrote(version('200'));
  assert.deepEqual([brief(), byAgent()], ['shown 201', undefined]);
});

test('what another agent wrote between an own write and its answer is another agent’s', () => {
  const { knowledge, watch, known, brief, byAgent, clock } = begin();
  known();
  watch(version('200'));
  watch(version('201', { appliedAt: LATER }));
  knowledge.wrote(version('200'));
  assert.deepEqual([brief(), byAgent()], ['shown 201', clock.now()]);
});

test('one that was deleted between an own write and its answer is gone', () => {
  const { knowledge, watch, known, brief } = begin();
  known();
  watch(version('200'));
  watch(undefined);
  knowledge.wrote(version('200'));
  assert.deepEqual([brief(), known().wasThere], ['gone', true]);
});

test('the end of one that was followed by another already is nothing new', () => {
  const { knowledge, watch, brief } = begin(version('200'));
  brief();
  knowledge.wrote(version('300', { uid: 'anew' }));
  const mark = knowledge.mark(KEY);
  watch(undefined);
  assert.deepEqual([brief(), knowledge.mark(KEY)], ['lookedUp 300', mark]);
});

test('one that was there is lost when it is gone, whoever deleted it', () => {
  for (const how of ['watch', 'own']) {
    const { knowledge, watch, known, clock } = begin(version('200'));
    known();
    clock.jump(1_000);
    if (how === 'own') knowledge.deleted(KEY);
    else watch(undefined);
    const { how: now, wasThere } = known();
    assert.deepEqual([now, wasThere, (known() as { at: number }).at], ['gone', true, clock.now()]);
  }
});

test('what another agent wrote is so since it was first seen, and until it is written over', () => {
  const { knowledge, watch, byAgent, clock } = begin();
  knowledge.wrote(version('200'));
  clock.jump(1_000);
  const at = clock.now();
  watch(version('201', { appliedAt: LATER }));
  clock.jump(1_000);
  watch(edited('202', { appliedAt: LATER }));
  assert.equal(byAgent(), at);
  knowledge.wrote(version('203', { appliedAt: LATER }));
  assert.equal(byAgent(), undefined);
  watch(version('203', { appliedAt: LATER }));
  assert.equal(byAgent(), undefined);
});

test('an own write that only its event tells of is an agent’s, for nobody knows whose', () => {
  const { knowledge, watch, byAgent, clock } = begin();
  knowledge.wrote(version('200'));
  watch(version('201', { appliedAt: LATER }));
  assert.equal(byAgent(), clock.now());
});

test('somebody who makes it anew, without anything of ours, is no agent', () => {
  const { knowledge, watch, byAgent, brief } = begin();
  knowledge.wrote(version('200'));
  watch(version('200'));
  watch(undefined);
  watch(foreignMeta({ uid: 'anew', resourceVersion: '300' }));
  assert.deepEqual([brief(), byAgent()], ['shown 300', undefined]);
});

const WRITERS: readonly [what: string, before: SecretMeta | undefined, now: SecretMeta, by: string][] = [
  ['the first that is seen, with something of ours', undefined, version('200'), 'agent'],
  ['the first that is seen, with nothing of ours', undefined, foreignMeta(), 'somebody'],
  ['a new date of ours', version('200'), version('201', { appliedAt: LATER }), 'agent'],
  [
    'a new date of ours beside somebody’s change',
    version('200'),
    edited('201', { appliedAt: LATER }),
    'agent',
  ],
  ['the first date of ours', foreignMeta(), version('201'), 'agent'],
  ['our entry gone', version('200'), edited('201', { appliedAt: undefined, ours: '' }), 'somebody'],
  ['somebody’s change within the same date', version('200'), edited('201'), 'somebody'],
  ['a mark of deletion', version('200'), version('201', { deleting: true, others: 'deletion' }), 'somebody'],
  ['no trace at all, as of a second write within a second', version('200'), version('201'), 'agent'],
  [
    'fewer fields of ours within the same date, as of a key that was taken away',
    version('200'),
    version('201', { ours: 'what is left' }),
    'somebody',
  ],
  ['made anew with something of ours', version('200'), version('5', { uid: 'anew' }), 'agent'],
  ['made anew by somebody', version('200'), foreignMeta({ uid: 'anew', resourceVersion: '201' }), 'somebody'],
  [
    'fields of ours that never had a date',
    version('200', { appliedAt: '' }),
    edited('201', { appliedAt: '' }),
    'somebody',
  ],
];

for (const [what, before, now, by] of WRITERS)
  test(`${what} is the work of ${by}`, () => {
    assert.equal(writer(before, now), by);
  });

test('a mark of deletion is no agent’s write, and the Secret is still there', () => {
  const { knowledge, watch, known, byAgent } = begin();
  knowledge.wrote(version('200'));
  watch(version('201', { deleting: true, others: 'deletion' }));
  assert.deepEqual([known().how, byAgent()], ['shown', undefined]);
});
