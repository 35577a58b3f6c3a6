import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from '../../agent/resolve/document.ts';
import { KeptDocuments } from '../../agent/resolve/kept-documents.ts';

const document = (nodes: number): Document => ({ kind: 'tree', root: 'x', nodes });

test('what came first goes first, once there are too many nodes in all', () => {
  const kept = new KeptDocuments();
  const sources = Array.from({ length: 12 }, () => ({}));
  for (const source of sources) kept.keep(source, document(20_000));
  assert.deepEqual(
    sources.map((source) => kept.get(source) !== undefined),
    [false, false, false, ...Array<boolean>(9).fill(true)],
  );
});

test('a document without nodes is not free', () => {
  const kept = new KeptDocuments();
  const first = {};
  kept.keep(first, { kind: 'text', nodes: 0 });
  const sources = Array.from({ length: 20_000 }, () => ({}));
  for (const source of sources) kept.keep(source, { kind: 'text', nodes: 0 });
  assert.equal(kept.get(first), undefined);
  assert.notEqual(kept.get(sources.at(-1)!), undefined);
});
