import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Claims, targetNameOf } from '../../agent/sync/claims.ts';
import type { Resource } from '../../agent/sync/resource.ts';
import { resourceOf } from './objects.ts';

const claimant = (name: string, day: number, change: Partial<Resource> = {}): Resource =>
  resourceOf({
    name,
    createdAt: `2026-01-0${day}T00:00:00Z`,
    spec: { target: { name: 'shared' } },
    ...change,
  });

test('the target is the name that the spec gives, else the name of the resource', () => {
  for (const spec of [
    undefined,
    null,
    5,
    {},
    { target: null },
    { target: {} },
    { target: { name: '' } },
    { target: { name: 7 } },
  ])
    assert.equal(targetNameOf(resourceOf({ name: 'own', spec })), 'own');
  assert.equal(targetNameOf(resourceOf({ name: 'own', spec: { target: { name: 'other' } } })), 'other');
});

test('of those that name one Secret the oldest holds it, ties by uid', () => {
  const claims = new Claims();
  claims.set(claimant('young', 3));
  claims.set(claimant('old', 1));
  claims.set(claimant('older-uid', 1, { uid: 'a' }));
  assert.equal(claims.holder('team-a/shared')?.name, 'older-uid');
  assert.deepEqual([...claims.of('team-a/shared')].sort(), [
    'team-a/old',
    'team-a/older-uid',
    'team-a/young',
  ]);
});

test('the same name in two namespaces is two Secrets', () => {
  const claims = new Claims();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2, { namespace: 'team-b', key: 'team-b/b' }));
  assert.equal(claims.holder('team-a/shared')?.name, 'a');
  assert.equal(claims.holder('team-b/shared')?.name, 'b');
});

test('one that is being deleted holds nothing, and the others are told', () => {
  const claims = new Claims();
  claims.set(claimant('old', 1));
  assert.deepEqual([...claims.set(claimant('young', 2))], []);
  assert.deepEqual([...claims.set(claimant('old', 1, { deleting: true }))], ['team-a/young']);
  assert.equal(claims.holder('team-a/shared')?.name, 'young');
});

test('an older one that comes late takes the Secret, and the holder is told', () => {
  const claims = new Claims();
  claims.set(claimant('young', 2));
  assert.deepEqual([...claims.set(claimant('old', 1))], ['team-a/young']);
});

test('one that turns to another Secret frees the first and is told to those who wait there', () => {
  const claims = new Claims();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2));
  assert.deepEqual([...claims.set(claimant('a', 1, { spec: { target: { name: 'other' } } }))], ['team-a/b']);
  assert.equal(claims.holder('team-a/shared')?.name, 'b');
  assert.equal(claims.holder('team-a/other')?.name, 'a');
});

test('one that goes is told to those who wait', () => {
  const claims = new Claims();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2));
  assert.deepEqual([...claims.delete('team-a/a')], ['team-a/b']);
  assert.deepEqual([...claims.delete('team-a/a')], []);
  assert.deepEqual([...claims.delete('team-a/b')], []);
  assert.equal(claims.holder('team-a/shared'), undefined);
  assert.deepEqual([...claims.of('team-a/shared')], []);
});

test('one that is made anew under its name is as young as it is', () => {
  const claims = new Claims();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2));
  assert.deepEqual([...claims.set(claimant('a', 3, { uid: 'anew' }))], ['team-a/b']);
  assert.equal(claims.holder('team-a/shared')?.name, 'b');
});

const change = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  target: fc.constantFrom('s', 't'),
  day: fc.integer({ min: 1, max: 3 }),
  deleting: fc.boolean(),
  gone: fc.boolean(),
});

test('after any changes the holder is the oldest that lives, and whoever gains or loses is told', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const claims = new Claims();
      const all = new Map<string, Resource>();
      const holders = (): Map<string, string | undefined> =>
        new Map(['s', 't'].map((target) => [target, claims.holder(`team-a/${target}`)?.key]));
      for (const { name, target, day, deleting, gone } of changes) {
        const resource = claimant(name, day, { deleting, spec: { target: { name: target } } });
        const before = holders();
        const told = new Set(gone ? claims.delete(resource.key) : claims.set(resource));
        if (gone) all.delete(resource.key);
        else all.set(resource.key, resource);
        for (const [one, key] of holders()) {
          const living = [...all.values()].filter((each) => targetNameOf(each) === one && !each.deleting);
          living.sort((a, b) => (a.createdAt + a.uid < b.createdAt + b.uid ? -1 : 1));
          assert.equal(key, living[0]?.key);
          if (key === before.get(one)) continue;
          for (const concerned of [key, before.get(one)])
            if (
              concerned !== undefined &&
              concerned !== resource.key &&
              targetNameOf(all.get(concerned)!) === one
            )
              assert.ok(told.has(concerned), `${concerned} was not told`);
        }
      }
    }),
  );
});
