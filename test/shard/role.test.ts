import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rank } from '../../agent/shard/rendezvous.ts';
import { roleOf, STANDBYS } from '../../agent/shard/role.ts';
import { nodeNames } from '../../scripts/bench/names.ts';

describe('the role of a member', () => {
  const nodes = nodeNames(0, 50);
  const ranked = rank(nodes);

  it('is owner for the first, standby for the next sixteen, other for the rest', () => {
    const roles = ranked.map((node) => roleOf(node, nodes, { maxOwners: 4 }));
    assert.deepEqual(roles.slice(0, 4), Array(4).fill('owner'));
    assert.deepEqual(roles.slice(4, 4 + STANDBYS), Array(STANDBYS).fill('standby'));
    assert.deepEqual(roles.slice(4 + STANDBYS), Array(50 - 4 - STANDBYS).fill('other'));
  });

  it('is owner for all without a limit', () => {
    assert.ok(nodes.every((node) => roleOf(node, nodes, { maxOwners: 0 }) === 'owner'));
  });

  it('is, for one that is no member yet, what it would be as one', () => {
    for (const node of [ranked[0]!, ranked[3]!, ranked[10]!, ranked[49]!]) {
      const others = nodes.filter((other) => other !== node);
      assert.equal(roleOf(node, others, { maxOwners: 4 }), roleOf(node, nodes, { maxOwners: 4 }));
    }
    assert.equal(roleOf('alone', [], { maxOwners: 1 }), 'owner');
  });
});
