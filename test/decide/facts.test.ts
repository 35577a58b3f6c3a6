import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noFacts, observe, record, type Facts, type Outcome } from '../../agent/decide/facts.ts';
import { resourceOf, secretMeta } from '../sync/objects.ts';
import { factsOf, failureOf, GENERATION, NOW, wroteOf } from './views.ts';

const HOUR = 3_600_000;
const note = (facts: Facts, outcome: Outcome, now = NOW): Facts => record(facts, outcome, now, 0.5);
const refusal = (change: Partial<Extract<Outcome, { of: 'refused' }>> = {}): Outcome => ({
  of: 'refused',
  act: 'write',
  why: failureOf('WriteRejected'),
  print: 'p',
  ...change,
});
const written = (change: Partial<Extract<Outcome, { result: unknown }>> = {}): Outcome => ({
  of: 'write',
  result: 'updated',
  meta: secretMeta(),
  print: 'p',
  answerBegunAt: NOW - 5_000,
  undid: undefined,
  ...change,
});

test('a resource that is seen first is seen now, and a refresh that ended before a restart is not asked for again', () => {
  const resource = resourceOf({ refresh: 'a', status: { handledRefresh: 'a' } });
  const facts = observe(noFacts(resource), resource, NOW);
  assert.deepEqual([facts.generation, facts.seenAt, facts.refresh.handled], [1, NOW, true]);
  const asked = observe(facts, { ...resource, refresh: 'b' }, NOW + 5);
  assert.deepEqual(asked.refresh, { value: 'b', seenAt: NOW + 5, handled: false });
  assert.equal(asked.seenAt, NOW);
});

test('a resource that is seen again is nothing new', () => {
  const resource = resourceOf();
  const facts = observe(noFacts(resource), resource, NOW);
  assert.equal(
    observe(facts, { ...resource, resourceVersion: '101', status: { node: 'n' } }, NOW + 1),
    facts,
  );
});

test('another generation is seen anew, and what happened before stays', () => {
  const before = factsOf({ wrote: wroteOf(), generation: GENERATION });
  const after = observe(before, resourceOf({ generation: GENERATION + 1 }), NOW);
  assert.deepEqual([after.generation, after.seenAt, after.wrote], [GENERATION + 1, NOW, before.wrote]);
});

test('a write is known by all that tells it from another, and ends a refusal', () => {
  const facts = note(note(factsOf(), refusal()), written());
  assert.deepEqual(facts.wrote, wroteOf());
  assert.deepEqual([facts.refused, facts.news], [undefined, 'updated']);
});

test('news last until they are told of, also when nothing is written meanwhile', () => {
  const told = { status: {}, failure: undefined, notGranted: [] };
  const created = note(factsOf(), written({ of: 'create', result: 'created' }));
  const again = note(created, written({ result: 'unchanged' }));
  assert.equal(again.news, 'created');
  assert.equal(
    note(again, { of: 'tell', tell: { failure: failureOf('SafeTimeout') }, told }).news,
    'created',
  );
  const secret = { name: 'db', resourceVersion: '200' };
  assert.equal(note(again, { of: 'tell', tell: { secret }, told }).news, undefined);
});

test('the end of a refresh is told of that refresh alone', () => {
  const facts = factsOf({ refresh: { value: 'b', seenAt: NOW, handled: false } });
  const told = { status: {}, failure: undefined, notGranted: [] };
  const handled = (value?: string) =>
    note(facts, { of: 'tell', tell: value === undefined ? {} : { handledRefresh: value }, told }).refresh
      .handled;
  assert.deepEqual([handled('a'), handled(), handled('b')], [false, false, true]);
});

test('refusals of one act in a row are counted, and those of another act or generation are not', () => {
  const times = (facts: Facts) => facts.refused?.times;
  const first = note(factsOf(), refusal());
  const second = note(first, refusal({ why: 'stale' }));
  assert.deepEqual([times(first), times(second)], [1, 2]);
  assert.equal(times(note(second, refusal({ act: 'create' }))), 1);
  assert.equal(times(note({ ...second, generation: GENERATION + 1 }, refusal())), 1);
});

test('a look-up or a deletion that went well ends a refusal of its own kind alone', () => {
  for (const of of ['lookUp', 'deleteFormer'] as const) {
    assert.equal(note(note(factsOf(), refusal({ act: of })), { of }).refused, undefined);
    assert.notEqual(note(note(factsOf(), refusal()), { of }).refused, undefined);
  }
});

test('a namespace that ends is no refusal', () => {
  const facts = note(factsOf(), refusal({ why: 'terminating' }));
  assert.deepEqual([facts.terminating, facts.refused], [true, undefined]);
});

test('edits that were undone are kept for an hour, a few of them', () => {
  const undid = { fields: 'what is left', by: 'kubectl' };
  let facts = factsOf();
  for (let edit = 0; edit < 40; edit += 1) facts = note(facts, written({ undid }), NOW + edit);
  assert.ok(facts.undone.length > 3 && facts.undone.length <= 16);
  assert.deepEqual(facts.undone.at(-1), { ...undid, at: NOW + 39 });
  assert.deepEqual(note(facts, written(), NOW + HOUR + 39).undone, []);
});

test('a write that changed nothing undid nothing', () => {
  const undid = { fields: 'what is left', by: 'kubectl' };
  assert.deepEqual(note(factsOf(), written({ result: 'unchanged', undid })).undone, []);
});
