import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printOf } from '../../agent/target/print.ts';
import { desiredOf, specOf } from '../sync/objects.ts';

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
