import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Claim, compare } from '../../agent/shard/claim.ts';
import type { View } from '../../agent/shard/membership.ts';
import { Rendezvous } from '../../agent/shard/rendezvous.ts';

const view = (flags: Partial<View> = {}): View => ({
  members: new Set(['me', 'live']),
  present: true,
  counted: false,
  settled: false,
  ...flags,
});
const claim = (flags: Partial<View> = {}): Claim => {
  const seen = view(flags);
  return new Claim('me', seen, new Rendezvous(seen.members, { maxOwners: 0 }));
};
const table = new Rendezvous(['me', 'live'], { maxOwners: 0 });
const namespaces = Array.from({ length: 50 }, (_, i) => `ns${i}`);
const mine = namespaces.find((namespace) => table.isOwner('me', namespace))!;
const other = namespaces.find((namespace) => !table.isOwner('me', namespace))!;

describe('a claim', () => {
  // status.node, the flags of the view, and whether the agent may serve its namespace
  const cases: [string | undefined, Partial<View>, boolean][] = [
    [undefined, {}, true],
    ['', {}, true],
    ['me', {}, true],
    ['live', {}, false],
    ['live', { settled: true }, false],
    ['live', { counted: true }, true],
    ['vanished', {}, false],
    ['vanished', { counted: true }, false],
    ['vanished', { settled: true }, true],
    ['vanished', { counted: true, settled: true }, true],
  ];
  for (const [last, flags, expected] of cases) {
    const state = Object.keys(flags).join(' and ') || 'just started';
    it(`${expected ? 'takes' : 'leaves'} what ${last || 'nobody'} served last, when ${state}`, () => {
      assert.equal(claim(flags).owns(mine, last), expected);
    });
  }

  it('does not reach beyond its own namespaces, whoever served there last', () => {
    const settled = claim({ counted: true, settled: true });
    for (const last of [undefined, 'me', 'live', 'vanished']) assert.equal(settled.owns(other, last), false);
    assert.ok(settled.holds(mine) && !settled.holds(other));
  });

  it('is empty while the agent is not present, or no member', () => {
    assert.equal(claim({ present: false, counted: true, settled: true }).owns(mine), false);
    assert.equal(claim({ members: new Set(['live']) }).owns(mine), false);
  });

  it('is compared with an older one by namespace', () => {
    const alone = claim({ members: new Set(['me']) });
    const shared = claim();
    assert.deepEqual(compare(alone, shared, [mine, other, other]), { gained: [], lost: [other] });
    assert.deepEqual(compare(shared, alone, [mine, other]), { gained: [other], lost: [] });
    assert.deepEqual(compare(undefined, shared, [mine, other]), { gained: [mine], lost: [] });
    assert.deepEqual(compare(shared, undefined, [mine, other]), { gained: [], lost: [mine] });
  });
});
