import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rank, Rendezvous } from '../../agent/shard/rendezvous.ts';
import { namespaceNames, nodeNames } from '../../scripts/bench/names.ts';

const all = { maxOwners: 0 };
const owners = (table: Rendezvous, namespaces: string[]): (string | undefined)[] =>
  namespaces.map((namespace) => table.ownerOf(namespace));

describe('the load of the owners', () => {
  it('moves to a promoted member or from the one that left, and nothing else', () => {
    const nodes = nodeNames(1, 200);
    const namespaces = namespaceNames(0, 2000);
    const table = new Rendezvous(nodes, { maxOwners: 16 });
    const promoted = rank(nodes)[16]!;
    const before = owners(table, namespaces);
    for (const gone of table.owners) {
      const rest = new Rendezvous(
        nodes.filter((node) => node !== gone),
        { maxOwners: 16 },
      );
      const moved = owners(rest, namespaces).filter((owner, i) => {
        if (owner === before[i]) return false;
        assert.ok(before[i] === gone || owner === promoted);
        return true;
      }).length;
      assert.ok(moved > 0.08 * 2000 && moved < 0.17 * 2000, `${moved} of 2000 namespaces moved`);
    }
  });

  it('spreads sequential names: a hundred over three members', () => {
    for (let set = 0; set < 30; set++) {
      const table = new Rendezvous(nodeNames(set, 3), all);
      const counts = count(table, namespaceNames(set, 100));
      assert.ok(Math.max(...counts) <= 52 && Math.min(...counts) >= 17, `set ${set}: ${counts}`);
    }
  });

  it('spreads as evenly as chance does: chi-squared over names of many kinds', () => {
    let chi = 0;
    let freedom = 0;
    for (let set = 0; set < 30; set++)
      for (const size of [3, 5, 16, 50]) {
        const counts = count(new Rendezvous(nodeNames(set, size), all), namespaceNames(set, 1000));
        const expected = 1000 / size;
        chi += counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
        freedom += size - 1;
      }
    // Five standard deviations of the mean of that many degrees of freedom.
    const slack = 5 * Math.sqrt(2 / freedom);
    assert.ok(Math.abs(chi / freedom - 1) < slack, `chi-squared per degree of freedom ${chi / freedom}`);
  });

  it('falls on members of every pool and zone, not on neighbours in the alphabet', () => {
    for (let first = 0; first < 20; first++) {
      const nodes = Array.from({ length: 200 }, (_, i) => `node-${1000 * first + i}`);
      const tens = new Set(new Rendezvous(nodes, { maxOwners: 16 }).owners.map((node) => node.slice(0, -1)));
      assert.ok(tens.size >= 8, `all owners among ${[...tens]}`);
    }
  });

  it('spreads what a departed member leaves behind over all others', () => {
    const nodes = nodeNames(0, 11);
    const namespaces = namespaceNames(1, 5000);
    const table = new Rendezvous(nodes, all);
    const gone = nodes[4]!;
    const orphans = namespaces.filter((namespace) => table.ownerOf(namespace) === gone);
    const counts = count(
      new Rendezvous(
        nodes.filter((node) => node !== gone),
        all,
      ),
      orphans,
    );
    assert.ok(Math.max(...counts) < (2 * orphans.length) / 10, `${counts}`);
    assert.ok(Math.min(...counts) > orphans.length / 20, `${counts}`);
  });
});

function count(table: Rendezvous, namespaces: string[]): number[] {
  const counts = new Map(table.owners.map((owner) => [owner, 0]));
  for (const namespace of namespaces) {
    const owner = table.ownerOf(namespace)!;
    counts.set(owner, counts.get(owner)! + 1);
  }
  return [...counts.values()];
}
