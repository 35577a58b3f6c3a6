import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rank } from '../../agent/shard/rendezvous.ts';
import { DELAY, MINUTE, running } from './running.ts';
import { members } from './slice.ts';

const messages = (lines: readonly Record<string, unknown>[]) =>
  lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);

describe('an agent whose watch on the members', () => {
  it('fails lists them every ten seconds, and so learns what the watch does not tell', async (t) => {
    const { clock, api, ownership, lines } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    assert.deepEqual([api.lists, ownership.owns('ns')], [1, true]);
    api.silentSince = { at: undefined };
    await clock.advance(MINUTE);
    assert.equal(api.lists, 7);
    api.slices = members({ b: 'ready' });
    await clock.advance(11_000);
    assert.equal(ownership.owns('ns'), false, 'its pod is no longer in the slices');
    assert.ok(!messages(lines).some((msg) => String(msg).includes('have not been known')));
    api.silentSince = undefined;
    await clock.advance(10_000);
    const { lists } = api;
    await clock.advance(10 * MINUTE);
    assert.equal(api.lists, lists);
  });

  it('says nothing, not even a bookmark, lists them when that is odd', async (t) => {
    const { clock, api } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    api.silentSince = { at: clock.now() };
    await clock.advance(75_000);
    assert.equal(api.lists, 1);
    await clock.advance(2_000);
    assert.equal(api.lists, 2);
  });

  it('fails, and who cannot list them either, owns nothing after the delay, says so, and keeps its role', async (t) => {
    const { clock, api, ownership, lines, changes } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    api.silentSince = { at: undefined };
    api.fail = true;
    await clock.advance(DELAY - 2_000);
    assert.deepEqual([ownership.owns('ns'), ownership.summary().suspended], [true, false]);
    await clock.advance(3_000);
    assert.deepEqual(
      [ownership.owns('ns'), ownership.summary().suspended, ownership.role()],
      [false, true, 'owner'],
    );
    assert.deepEqual(messages(lines), [
      'The members cannot be read; trying on',
      'The members have not been known for too long; nothing is owned until they are',
    ]);
    const told = changes.length;
    api.fail = false;
    await clock.advance(31_000);
    assert.equal(ownership.owns('ns'), true);
    assert.equal(changes.length, told + 1, 'who holds resources is to ask for each of them again');
    assert.ok(lines.some(({ msg }) => msg === 'The members are known again'));
  });
});

describe('an agent that is promoted', () => {
  it('owns nothing by a view that is minutes old, before it has read the members', async (t) => {
    const states = Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`node-${i}`, 'ready' as const]));
    const [first = '', ...others] = rank(Object.keys(states));
    const last = others.at(-1) ?? '';
    const { clock, api, ownership } = running(t, last, states, 1);
    api.silentSince = { at: undefined };
    await clock.advance(4 * MINUTE);
    assert.deepEqual([ownership.role(), ownership.summary().suspended], ['other', true]);
    api.slices = members({ [last]: 'ready' });
    await clock.advance(2 * MINUTE);
    assert.deepEqual([ownership.role(), ownership.owns('ns')], ['owner', true]);
    assert.notEqual(first, last);
  });

  it('keeps what its watch has shown when a list that was asked for before arrives late', async (t) => {
    const { clock, api, ownership } = running(t, 'a', { a: 'ready', b: 'ready' });
    await clock.advance(MINUTE);
    const held = Promise.withResolvers<void>();
    api.hold = held.promise;
    api.silentSince = { at: undefined };
    await clock.advance(11_000);
    ownership.observe(members({ a: 'ready', b: 'ready', c: 'ready' }));
    held.resolve();
    await clock.advance(0);
    api.silentSince = undefined;
    await clock.advance(DELAY + 1_000);
    assert.deepEqual(ownership.summary().members, ['a', 'b', 'c']);
  });
});
