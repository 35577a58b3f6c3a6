import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rendezvous } from '../../agent/shard/rendezvous.ts';
import { FakeClock } from '../fake-clock.ts';
import { agent, DELAY, namespaces, ready } from './fleet.ts';
import { members } from './slice.ts';

describe('shared ownership', () => {
  it('owns nothing before the first look, and nothing while the slices do not hold its pod', () => {
    const clock = new FakeClock();
    const { ownership, owned, lines } = agent('a', { now: [] }, clock);
    assert.deepEqual([owned(), ownership.role(), ownership.ownerOf('x')], [[], undefined, undefined]);
    ownership.observe(members(ready('b')));
    assert.deepEqual(owned(), []);
    assert.equal(ownership.ownerOf('x'), 'b');
    assert.deepEqual(
      lines.map((line) => line['level']),
      ['info'],
      'no warning before the pod had time to show',
    );
    ownership.observe(members(ready('a', 'b')));
    assert.ok(owned().length > 0);
    ownership.observe(members(ready('b')));
    assert.deepEqual(owned(), []);
    assert.equal(lines.at(-2)?.['msg'], 'Not in the slices of the Service: nothing is owned');
  });

  it('starts with what was its own, before it is ready, and waits for the rest as told', async () => {
    const clock = new FakeClock();
    const { ownership, owned, changes } = agent('a', { now: [] }, clock);
    ownership.observe(members({ a: 'starting', b: 'ready' }));
    const mine = namespaces.filter((name) => new Rendezvous(['a', 'b'], { maxOwners: 0 }).isOwner('a', name));
    assert.deepEqual([owned('a'), owned(), owned('b'), owned('gone')], [mine, mine, [], []]);
    ownership.observe(members(ready('a', 'b')));
    assert.deepEqual([owned('b'), owned('gone')], [mine, []]);
    const before = changes.length;
    await clock.advance(DELAY);
    assert.deepEqual(owned('gone'), mine);
    assert.deepEqual(changes.slice(before), [{ gained: [], lost: [] }], 'told to ask again');
  });

  it('limits owners, and promotes the next', async () => {
    const nodes = Array.from({ length: 40 }, (_, i) => `node-${i}`);
    const { owners } = new Rendezvous(nodes, { maxOwners: 17 });
    const next = owners[16]!;
    const clock = new FakeClock();
    const { ownership, owned, lines } = agent(next, { now: [] }, clock, 16);
    ownership.observe(members(ready(...nodes)));
    assert.deepEqual([ownership.role(), owned()], ['standby', []]);
    assert.equal(ownership.summary().owners.length, 16);
    ownership.observe(members(ready(...nodes.filter((node) => node !== owners[3]))));
    await clock.advance(DELAY);
    assert.equal(ownership.role(), 'owner');
    assert.ok(owned().length > 0);
    assert.equal(ownership.summary().namespaces, owned().length);
    assert.equal(lines.findLast((line) => line['role'])?.['role'], 'owner');
  });
});
