import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnedSecrets } from '../../agent/target/owned.ts';
import { secretMeta } from '../sync/objects.ts';

const seen = (name: string, ...ownerUids: string[]) => secretMeta({ name, key: `team-a/${name}`, ownerUids });

test('the Secrets of an owner are those that the watch shows to be', () => {
  const owned = new OwnedSecrets();
  const [a, b] = [seen('a', 'one', 'two'), seen('b', 'one')];
  owned.watched(a, undefined);
  owned.watched(b, undefined);
  assert.deepEqual([...owned.of('one')], ['team-a/a', 'team-a/b']);
  owned.watched(seen('a', 'two'), a);
  assert.deepEqual([[...owned.of('one')], [...owned.of('two')]], [['team-a/b'], ['team-a/a']]);
  owned.watched(undefined, b);
  assert.deepEqual([...owned.of('one')], []);
});

test('a copy that has our owner reference, and nothing that an agent applied, is nobody’s', () => {
  const owned = new OwnedSecrets();
  const copy = secretMeta({ appliedAt: undefined });
  owned.watched(copy, undefined);
  assert.deepEqual([...owned.of('uid-db')], []);
  owned.watched(secretMeta(), copy);
  assert.deepEqual([...owned.of('uid-db')], ['team-a/db']);
});
