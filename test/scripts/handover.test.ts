import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { measureHandover } from '../../scripts/bench/handover.ts';
import { namespaceNames, nodeNames } from '../../scripts/bench/names.ts';

describe('the simulated handover', () => {
  const handover = measureHandover({ nodes: 300, namespaces: 3_000, departures: 10 });

  it('moves exactly the namespaces of the member that left', () => {
    assert.equal(handover.departures.length, 10);
    for (const row of handover.departures) {
      assert.equal(row.moved, row.owned);
      assert.equal(row.movedOfOthers, 0);
    }
  });

  it('moves an eighth of all with 16 owners, of the leaving and of the promoted one, and none otherwise', () => {
    for (const row of handover.limits) {
      const expected = 2 / 16 - 1 / 256;
      assert.ok(Math.abs(row.mean - expected) < 0.01, `${row.mean} of ${row.nodes} nodes' namespaces moved`);
      assert.equal(row.whenOtherLeaves, 0);
    }
    assert.equal(handover.movedShare, handover.limits[0]!.mean);
  });

  it('gives the busiest owner at most 1.3 times the average load', () => {
    assert.ok(handover.maxOverAverage <= 1.3, `${handover.maxOverAverage}`);
  });

  it('is made with names that differ', () => {
    for (let set = 0; set < 100; set++) {
      assert.equal(new Set(namespaceNames(set, 1_000)).size, 1_000);
      assert.equal(new Set(nodeNames(set, 300)).size, 300);
    }
    assert.equal(new Set(Array.from({ length: 100 }, (_, set) => namespaceNames(set, 1)[0])).size, 100);
    assert.equal(new Set(nodeNames(1, 5_000)).size, 5_000);
    assert.equal(new Set(namespaceNames(0, 50_000)).size, 50_000);
  });
});
