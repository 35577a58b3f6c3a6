import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DELAY, fleet, namespaces, ready } from './fleet.ts';
import { members, type State } from './slice.ts';

describe('a fleet of agents', () => {
  it('gives each namespace exactly one owner among agents that see the same', () => {
    const { see, ownersOf, agents } = fleet(['a', 'b', 'c', 'd', 'e']);
    see(ready('a', 'b', 'c', 'd', 'e'));
    for (const name of namespaces) {
      const [owner, ...more] = ownersOf(name);
      assert.deepEqual(more, []);
      for (const { ownership } of agents.values()) assert.equal(ownership.ownerOf(name), owner);
    }
  });

  it('moves nothing in a rolling restart in place, and tells nobody', async () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'];
    const { see, agents, clock, ownersOf } = fleet(nodes);
    see(ready(...nodes));
    await clock.advance(DELAY);
    const before = namespaces.map((name) => ownersOf(name));
    const changes = nodes.map((node) => agents.get(node)!.changes.length);
    for (const node of nodes) {
      for (const state of ['terminating', undefined, 'starting', 'ready'] as const) {
        const { [node]: _, ...others } = ready(...nodes);
        // The agent itself stops at `terminating`; here only the others are asked.
        const seen = state === undefined ? others : { ...others, [node]: state };
        for (const other of nodes) if (other !== node) agents.get(other)!.ownership.observe(members(seen));
        await clock.advance(DELAY / 4);
      }
    }
    assert.deepEqual(
      namespaces.map((name) => ownersOf(name)),
      before,
    );
    assert.deepEqual(
      nodes.map((node) => agents.get(node)!.changes.length),
      changes,
    );
  });

  it('hands over what a member that does not come back owned, after the delay, and only that', async () => {
    const { see, agents, clock, ownersOf } = fleet(['a', 'b', 'c']);
    see(ready('a', 'b', 'c'));
    await clock.advance(DELAY);
    const before = new Map(namespaces.map((name) => [name, ownersOf(name)[0]!]));
    see(ready('a', 'b'));
    const rest = (): string[][] => namespaces.map((name) => ownersOf(name).filter((node) => node !== 'c'));
    await clock.advance(DELAY - 1);
    for (const [i, owners] of rest().entries())
      assert.equal(owners.length, before.get(namespaces[i]!) === 'c' ? 0 : 1);
    await clock.advance(1);
    const after = rest();
    for (const [i, owners] of after.entries()) {
      assert.equal(owners.length, 1);
      if (before.get(namespaces[i]!) !== 'c') assert.equal(owners[0], before.get(namespaces[i]!));
    }
    const { changes, metrics, lines } = agents.get('a')!;
    const gained = namespaces.filter((name, i) => after[i]![0] === 'a' && before.get(name) === 'c');
    assert.deepEqual(changes.at(-1), { gained, lost: [] });
    const { values } = await metrics.handovers.get();
    assert.equal(values.find(({ labels }) => labels['direction'] === 'gained')?.value, gained.length);
    assert.deepEqual(
      [lines.at(-1)?.['msg'], lines.at(-1)?.['gained'], lines.at(-1)?.['members']],
      ['Namespaces gained', gained.length, 2],
    );
  });

  it('from one agent to five and back: one owner for each namespace at every rest', async () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'];
    const { see, clock, ownersOf } = fleet(nodes);
    const one = (among: string[]): void => {
      for (const name of namespaces)
        assert.equal(ownersOf(name, 'gone').filter((node) => among.includes(node)).length, 1);
    };
    see(ready('a'));
    await clock.advance(DELAY);
    one(['a']);
    see({ a: 'ready', b: 'starting', c: 'starting', d: 'starting', e: 'starting' });
    see(ready(...nodes));
    await clock.advance(DELAY);
    one(nodes);
    see({ a: 'ready', b: 'terminating', c: 'terminating', d: 'terminating', e: 'terminating' });
    see(ready('a'));
    await clock.advance(DELAY);
    one(['a']);
  });

  it('never has two owners, and never none for longer than the delay, whatever agents see in step', async () => {
    const nodes = ['a', 'b', 'c', 'd'];
    const state = fc.constantFrom<State | 'gone'>('ready', 'ready', 'starting', 'terminating', 'gone');
    const step = fc.record({ states: fc.tuple(state, state, state, state), wait: fc.nat(2 * DELAY) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { see, clock, agents, slices } = fleet(nodes);
        see(ready(...nodes));
        for (const { states, wait } of steps) {
          const seen = Object.fromEntries(
            nodes.flatMap((node, i) => (states[i] === 'gone' ? [] : [[node, states[i]!]])),
          );
          slices.now = members(seen);
          for (const { ownership } of agents.values()) ownership.observe(slices.now);
          await clock.advance(wait);
          for (const name of namespaces.slice(0, 20)) {
            const owners = nodes.filter((node) => agents.get(node)!.ownership.owns(name));
            assert.ok(owners.length <= 1, `${name} is owned by ${owners}`);
            const able = Object.values(seen).some((s) => s !== 'terminating');
            if (wait >= DELAY && able) assert.equal(owners.length, 1);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
