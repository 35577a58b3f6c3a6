import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rank } from '../../agent/shard/rendezvous.ts';
import { DELAY, MINUTE, running } from './running.ts';
import { members } from './slice.ts';

describe('an agent that runs', () => {
  it('lists the members at the start, and no more while it watches them', async (t) => {
    const { clock, api, ownership } = running(t, 'a', { a: 'ready', b: 'ready' });
    await clock.advance(0);
    assert.deepEqual([api.lists, ownership.role()], [1, 'owner']);
    assert.deepEqual(ownership.summary().members, ['a', 'b']);
    await clock.advance(60 * MINUTE);
    assert.equal(api.lists, 1);
  });

  it('has a role, and so can get ready, before the slices hold anybody', async (t) => {
    const { clock, ownership, lines } = running(t, 'a', {});
    await clock.advance(0);
    assert.deepEqual([ownership.role(), ownership.owns('ns')], ['owner', false]);
    await clock.advance(DELAY);
    assert.equal(lines.at(-1)?.['level'], 'warn');
  });

  it('lists them every five minutes while it is neither owner nor standby', async (t) => {
    const nodes = Array.from({ length: 40 }, (_, i) => `node-${i}`);
    const states = Object.fromEntries(nodes.map((name) => [name, 'ready' as const]));
    const last = rank(nodes).at(-1)!;
    const { clock, api, ownership } = running(t, last, states, 1);
    await clock.advance(20 * MINUTE);
    assert.deepEqual([api.lists, ownership.role()], [5, 'other']);
    api.slices = members({ [last]: 'ready' });
    await clock.advance(5 * MINUTE);
    assert.equal(ownership.role(), 'other', 'those that are gone stay for the delay');
    await clock.advance(DELAY);
    assert.deepEqual([api.lists, ownership.role()], [6, 'owner']);
    await clock.advance(20 * MINUTE);
    assert.equal(api.lists, 6);
  });

  it('goes on asking, more and more seldom, when the members cannot be read', async (t) => {
    const { clock, api, ownership, lines } = running(t, 'a', { a: 'ready' }, 0, true);
    await clock.advance(5 * MINUTE);
    assert.ok(api.lists > 10 && api.lists < 30, `${api.lists} lists in five minutes`);
    assert.equal(ownership.owns('ns'), false);
    assert.equal(lines.length, 1);
    assert.deepEqual([lines[0]?.['status'], lines[0]?.['reason']], [403, 'Forbidden']);
    assert.ok(!JSON.stringify(lines).includes('s3cr3t'));
    api.fail = false;
    await clock.advance(MINUTE);
    assert.equal(ownership.owns('ns'), true);
    assert.ok(lines.some(({ msg }) => msg === 'The members can be read again'));
  });

  it('ends when told, and goes on answering for writes in flight', async (t) => {
    const { clock, ownership, stop, end } = running(t, 'a', { a: 'ready' });
    await clock.advance(0);
    stop.abort();
    await end;
    clock.jump(10 * MINUTE);
    assert.equal(ownership.owns('ns'), true);
  });
});
