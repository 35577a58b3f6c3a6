import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { appliedFrom, driftOf, printOf, type Drift } from '../../agent/sync/applied.ts';
import { isOlderVersion, type SecretMeta } from '../../agent/sync/resource.ts';
import { desiredOf, secretMeta, specOf } from './objects.ts';

const applied = appliedFrom(secretMeta(), 'print');
const LATER = '2026-01-01T00:00:07Z';

const DRIFTS: readonly [what: string, seen: Partial<SecretMeta> | undefined, lost: boolean, drift: Drift][] =
  [
    ['as we wrote it', {}, false, 'none'],
    ['an older version than ours, from a watch that lags', { resourceVersion: '199' }, false, 'none'],
    ['an older version of fewer digits', { resourceVersion: '99', appliedAt: LATER }, false, 'none'],
    ['not seen yet', undefined, false, 'none'],
    ['gone', undefined, true, 'foreign'],
    ['changed by somebody', { resourceVersion: '201' }, false, 'foreign'],
    [
      'changed by somebody, our fields with it',
      { resourceVersion: '201', appliedAt: undefined },
      false,
      'foreign',
    ],
    ['written by another agent', { resourceVersion: '201', appliedAt: LATER }, false, 'agent'],
    [
      'made anew by somebody',
      { uid: 'secret-2', resourceVersion: '201', appliedAt: undefined },
      false,
      'foreign',
    ],
    [
      'made anew by another agent',
      { uid: 'secret-2', resourceVersion: '201', appliedAt: LATER },
      false,
      'agent',
    ],
    ['made anew, with a version that looks older', { uid: 'secret-2', resourceVersion: '5' }, false, 'agent'],
    ['a version that is no number', { resourceVersion: 'x1' }, false, 'foreign'],
  ];

for (const [what, seen, lost, drift] of DRIFTS)
  test(`a Secret that is ${what} drifts: ${drift}`, () => {
    assert.equal(driftOf(applied, seen && secretMeta(seen), lost), drift);
  });

test('a Secret without an entry of ours that gets one was written by another agent', () => {
  const adopted = appliedFrom(secretMeta({ appliedAt: undefined }), 'print');
  assert.equal(driftOf(adopted, secretMeta({ resourceVersion: '201', appliedAt: LATER }), false), 'agent');
});

test('versions are compared as numbers of any size, and nothing else is older', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.bigInt({ min: 0n, max: 2n ** 70n }), (a, b) => {
      assert.equal(isOlderVersion(String(a), String(b)), a < b);
    }),
  );
  for (const [a, b] of [
    ['a', '2'],
    ['1', ''],
    ['', '1'],
    ['-1', '1'],
    ['1.0', '2'],
  ] as const)
    assert.equal(isOlderVersion(a, b), false);
});

const target = specOf().target;
const base = desiredOf({ a: '1', b: '2' }, { labels: new Map([['x', 'y']]) });

test('the print of a content does not depend on the order of its keys', () => {
  const other = desiredOf({ b: '2', a: '1' }, { labels: new Map([['x', 'y']]) });
  assert.equal(printOf(base, target), printOf(other, target));
});

test('the print does not depend on when and from which secrets the content came', () => {
  const other = { ...base, used: ['other'], sourceUpdated: '', notGranted: ['app'], wakeAt: 5 };
  assert.equal(printOf(base, target), printOf(other, target));
});

test('each value, key, kind and policy shows in the print', () => {
  const prints = [
    printOf(base, target),
    printOf({ ...base, data: new Map([['a', Buffer.from('1')]]) }, target),
    printOf(desiredOf({ a: '1', b: '3' }, { labels: base.labels }), target),
    printOf(desiredOf({ a: '1', c: '2' }, { labels: base.labels }), target),
    printOf({ ...base, labels: new Map() }, target),
    printOf({ ...base, labels: new Map(), annotations: base.labels }, target),
    printOf({ ...base, data: new Map(), annotations: new Map([['a', '1']]) }, target),
    ...[{ creationPolicy: 'Orphan' }, { immutable: true }, { type: 'other' }, { name: 'other' }].map(
      (policy) => printOf(base, { ...target, ...policy }),
    ),
  ];
  assert.equal(new Set(prints).size, prints.length);
});

test('a label that moves its text into the annotation of the same key is a change', () => {
  const text = new Map([['k', 'v']]);
  const one = printOf({ ...base, labels: text, annotations: new Map() }, target);
  assert.notEqual(one, printOf({ ...base, labels: new Map(), annotations: text }, target));
});
