import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Resource } from '../../agent/api/resource.ts';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import { Claims } from '../../agent/target/claims.ts';
import { resourceOf, type ResourceChange, secretMeta } from '../sync/objects.ts';

const SHARED = 'team-a/shared';
const claimant = (name: string, day: number, change: ResourceChange = {}): Resource =>
  resourceOf({
    name,
    createdAt: `2026-01-0${day}T00:00:00Z`,
    spec: { target: { name: 'shared' } },
    ...change,
  });

/** Claims on Secrets of which nobody holds one, until a test says so. */
function begin() {
  const secrets = new Map<string, SecretMeta>();
  const wrote = new Set<string>();
  const claims = new Claims({
    secret: (key) => secrets.get(key),
    wrote: (resource, name) => wrote.has(`${resource} ${name}`),
  });
  const owned = (...ownerUids: string[]) =>
    secrets.set(SHARED, secretMeta({ key: SHARED, name: 'shared', ownerUids }));
  return { claims, secrets, wrote, owned, holder: () => claims.holder(SHARED)?.name };
}

test('where nobody holds the Secret the oldest gets it, ties by uid', () => {
  const { claims, holder } = begin();
  claims.set(claimant('young', 3));
  claims.set(claimant('old', 1));
  claims.set(claimant('older-uid', 1, { uid: 'a' }));
  assert.equal(holder(), 'older-uid');
  assert.deepEqual([...claims.of(SHARED)].sort(), ['team-a/old', 'team-a/older-uid', 'team-a/young']);
});

test('the same name in two namespaces is two Secrets', () => {
  const { claims, holder } = begin();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2, { namespace: 'team-b', key: 'team-b/b' }));
  assert.equal(holder(), 'a');
  assert.equal(claims.holder('team-b/shared')?.name, 'b');
});

test('one that is being deleted holds nothing, and the others are told', () => {
  const { claims, holder, owned, wrote } = begin();
  owned('uid-old');
  wrote.add('team-a/old shared');
  claims.set(claimant('old', 1));
  assert.deepEqual([...claims.set(claimant('young', 2))], []);
  assert.deepEqual([...claims.set(claimant('old', 1, { deleting: true }))], ['team-a/young']);
  assert.equal(holder(), 'young');
});

const HOLDS: Record<string, (world: ReturnType<typeof begin>) => ResourceChange> = {
  'owns the Secret': ({ owned }) => {
    owned('uid-young');
    return {};
  },
  'wrote it in this term': ({ wrote }) => {
    wrote.add('team-a/young shared');
    return {};
  },
  'has it in its status': () => ({ status: { secret: { name: 'shared', resourceVersion: '1' } } }),
};

for (const [what, hold] of Object.entries(HOLDS))
  test(`whoever ${what} keeps it from an older one that comes late, which nobody is told of`, () => {
    const world = begin();
    const { claims, holder } = world;
    claims.set(claimant('young', 2, hold(world)));
    assert.deepEqual([...claims.set(claimant('old', 1))], []);
    assert.equal(holder(), 'young');
  });

test('an owner reference goes before what somebody wrote, and what was written before age', () => {
  const { claims, holder, wrote, owned } = begin();
  claims.set(claimant('owner', 3));
  claims.set(claimant('writer', 2));
  claims.set(claimant('oldest', 1));
  assert.equal(holder(), 'oldest');
  wrote.add('team-a/writer shared');
  assert.equal(holder(), 'writer');
  owned('uid-owner');
  assert.equal(holder(), 'owner');
  owned('uid-owner', 'uid-oldest');
  assert.equal(holder(), 'oldest');
});

test('what was written under another name is no hold, nor what a status says of another', () => {
  const { claims, holder, wrote } = begin();
  wrote.add('team-a/young other');
  claims.set(claimant('young', 2, { status: { secret: { name: 'other', resourceVersion: '1' } } }));
  claims.set(claimant('old', 1));
  assert.equal(holder(), 'old');
});

test('the owner of a Secret that its spec does not name holds nothing there', () => {
  const { claims, holder, owned } = begin();
  owned('uid-elsewhere');
  claims.set(claimant('elsewhere', 1, { spec: { target: { name: 'other' } } }));
  claims.set(claimant('here', 2));
  assert.equal(holder(), 'here');
});

test('an older one that comes late takes a Secret that nobody holds, and who waited for it is told', () => {
  const { claims } = begin();
  claims.set(claimant('young', 2));
  assert.deepEqual([...claims.set(claimant('old', 1))], ['team-a/young']);
});

test('one that turns to another Secret frees the first and is told to those who wait there', () => {
  const { claims, holder } = begin();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2));
  assert.deepEqual([...claims.set(claimant('a', 1, { spec: { target: { name: 'other' } } }))], ['team-a/b']);
  assert.equal(holder(), 'b');
  assert.equal(claims.holder('team-a/other')?.name, 'a');
});

test('one that goes is told to those who wait', () => {
  const { claims, holder } = begin();
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2));
  assert.deepEqual([...claims.delete('team-a/a')], ['team-a/b']);
  assert.deepEqual([...claims.delete('team-a/a')], []);
  assert.deepEqual([...claims.delete('team-a/b')], []);
  assert.equal(holder(), undefined);
  assert.deepEqual([...claims.of(SHARED)], []);
});

test('one that is made anew under its name is as young as it is, and owns nothing', () => {
  const { claims, holder, owned } = begin();
  owned('uid-a');
  claims.set(claimant('a', 1));
  claims.set(claimant('b', 2));
  assert.deepEqual([...claims.set(claimant('a', 3, { uid: 'anew' }))], ['team-a/b']);
  assert.equal(holder(), 'b');
});

const name = fc.constantFrom<string>('a', 'b', 'c', 'd');
const target = fc.constantFrom<string>('s', 't');
const change = fc.record({
  name,
  target,
  day: fc.integer({ min: 1, max: 3 }),
  deleting: fc.boolean(),
  gone: fc.boolean(),
  status: fc.option(target, { nil: undefined }),
});
const world = fc.record({
  owners: fc.dictionary(target, fc.uniqueArray(name), { noNullPrototype: true }),
  writers: fc.uniqueArray(fc.tuple(name, target).map(([one, of]) => `team-a/${one} ${of}`)),
});

test('after any changes the best hold wins, then age, and whoever gains or loses is told', () => {
  fc.assert(
    fc.property(world, fc.array(change, { maxLength: 30 }), ({ owners, writers }, changes) => {
      const claims = new Claims({
        secret: (key) =>
          secretMeta({ ownerUids: (owners[key.split('/')[1]!] ?? []).map((one) => `uid-${one}`) }),
        wrote: (resource, of) => writers.includes(`${resource} ${of}`),
      });
      const all = new Map<string, Resource>();
      const holders = (): Map<string, string | undefined> =>
        new Map(['s', 't'].map((one) => [one, claims.holder(`team-a/${one}`)?.key]));
      const rank = (one: Resource): string => {
        const of = one.targetName;
        const writes = writers.includes(`${one.key} ${of}`) || one.status.secret?.name === of;
        return `${owners[of]?.includes(one.name) ? 0 : writes ? 1 : 2} ${one.createdAt} ${one.uid}`;
      };
      for (const { name: who, target: of, day, deleting, gone, status } of changes) {
        const resource = claimant(who, day, {
          deleting,
          spec: { target: { name: of } },
          status: status === undefined ? {} : { secret: { name: status, resourceVersion: '1' } },
        });
        const before = holders();
        const told = new Set(gone ? claims.delete(resource.key) : claims.set(resource));
        if (gone) all.delete(resource.key);
        else all.set(resource.key, resource);
        for (const [one, key] of holders()) {
          const living = [...all.values()].filter((each) => each.targetName === one && !each.deleting);
          living.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
          assert.equal(key, living[0]?.key);
          if (key === before.get(one)) continue;
          for (const concerned of [key, before.get(one)])
            if (
              concerned !== undefined &&
              concerned !== resource.key &&
              all.get(concerned)!.targetName === one
            )
              assert.ok(told.has(concerned), `${concerned} was not told`);
        }
      }
    }),
  );
});
