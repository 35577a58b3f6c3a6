import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Hash } from '../../agent/shard/hash.ts';
import { rank, Rendezvous } from '../../agent/shard/rendezvous.ts';

const all = { maxOwners: 0 };
const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/), { minLength: 1, maxLength: 40 });
const owners = (table: Rendezvous, namespaces: string[]): (string | undefined)[] =>
  namespaces.map((namespace) => table.ownerOf(namespace));

/** Owners that can be read off: the weight is the last digit of node times namespace. */
const digits: Hash = { name: (text) => Number(text), weight: (node, namespace) => (node * namespace) % 10 };

describe('rendezvous hashing', () => {
  it('gives a namespace to the heaviest member, and to the first by name of equally heavy ones', () => {
    const table = new Rendezvous(['3', '2', '7'], { maxOwners: 0, hash: digits });
    assert.equal(table.ownerOf('1'), '7'); // 3 2 7
    assert.equal(table.ownerOf('3'), '3'); // 9 6 1
    assert.equal(table.ownerOf('4'), '2'); // 2 8 8
    assert.equal(table.ownerOf('0'), '2'); // 0 0 0
    assert.deepEqual(
      [...'237'].map((node) => table.isOwner(node, '0')),
      [true, false, false],
    );
  });

  it('has no owner without members', () => {
    const table = new Rendezvous([], all);
    assert.equal(table.ownerOf('a'), undefined);
    assert.equal(table.isOwner('node', 'a'), false);
  });

  it('does not depend on the order or repetition of the members', () => {
    fc.assert(
      fc.property(names, names, fc.integer({ min: 0, max: 20 }), (nodes, namespaces, maxOwners) => {
        const one = new Rendezvous(nodes, { maxOwners });
        const other = new Rendezvous([...nodes.toReversed(), ...nodes], { maxOwners });
        assert.deepEqual(one.owners, other.owners);
        assert.deepEqual(owners(one, namespaces), owners(other, namespaces));
      }),
    );
  });

  it('has exactly one owner for each namespace, and both questions agree on it', () => {
    fc.assert(
      fc.property(names, names, fc.integer({ min: 0, max: 20 }), (nodes, namespaces, maxOwners) => {
        const table = new Rendezvous(nodes, { maxOwners });
        for (const namespace of namespaces)
          assert.deepEqual(
            nodes.filter((node) => table.isOwner(node, namespace)),
            [table.ownerOf(namespace)],
          );
      }),
    );
  });

  it('both questions agree when weights are equal', () => {
    const few: Hash = { name: (text) => text.length, weight: (a, b) => (a + b) % 2 };
    fc.assert(
      fc.property(names, names, (nodes, namespaces) => {
        const table = new Rendezvous(nodes, { maxOwners: 0, hash: few });
        for (const namespace of namespaces)
          assert.deepEqual(
            nodes.filter((node) => table.isOwner(node, namespace)),
            [table.ownerOf(namespace)],
          );
      }),
    );
  });

  it('moves exactly the namespaces of a member that leaves', () => {
    fc.assert(
      fc.property(names, names, fc.nat(), (nodes, namespaces, pick) => {
        const gone = nodes[pick % nodes.length]!;
        const before = owners(new Rendezvous(nodes, all), namespaces);
        const after = owners(
          new Rendezvous(
            nodes.filter((node) => node !== gone),
            all,
          ),
          namespaces,
        );
        namespaces.forEach((_, i) => {
          if (before[i] === gone) assert.notEqual(after[i], gone);
          else assert.equal(after[i], before[i]);
        });
      }),
    );
  });

  it('elects the same owners whoever else is there, and promotes the next when one leaves', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 20 }), fc.nat(), (nodes, maxOwners, pick) => {
        const ranked = rank(nodes);
        const { owners } = new Rendezvous(nodes, { maxOwners });
        assert.deepEqual(owners, ranked.slice(0, maxOwners));
        const gone = owners[pick % owners.length]!;
        const rest = new Rendezvous(
          nodes.filter((node) => node !== gone),
          { maxOwners },
        );
        assert.deepEqual(
          rest.owners,
          ranked.slice(0, maxOwners + 1).filter((node) => node !== gone),
        );
      }),
    );
  });
});
