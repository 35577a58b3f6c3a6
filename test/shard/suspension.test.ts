import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MINUTE, running } from './running.ts';
import { members } from './slice.ts';

describe('an agent whose process stood still', () => {
  it('owns nothing from the first question after it woke, until it has read the members again', async (t) => {
    const { clock, api, ownership, changes } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    assert.equal(ownership.owns('ns', 'a'), true);
    const { promise, resolve } = Promise.withResolvers<void>();
    api.hold = promise;
    clock.jump(MINUTE);
    assert.equal(ownership.owns('ns', 'a'), false, 'before any timer had its turn');
    const before = changes.length;
    await clock.advance(1000);
    assert.deepEqual(changes.slice(before), [{ gained: [], lost: ['ns'] }]);
    assert.deepEqual([api.lists, ownership.owns('ns', 'a'), ownership.summary().suspended], [2, false, true]);
    assert.equal(ownership.role(), undefined, 'so that its watches begin anew');
    resolve();
    await clock.advance(0);
    assert.deepEqual([ownership.owns('ns', 'a'), ownership.summary().suspended], [true, false]);
    assert.equal(ownership.role(), 'owner');
    assert.deepEqual(changes.at(-1), { gained: ['ns'], lost: [] });
  });

  it('is not fooled by events that were waiting for it', async (t) => {
    const { clock, api, ownership } = running(t, 'a', { a: 'ready', b: 'ready' });
    await clock.advance(MINUTE);
    const { promise, resolve } = Promise.withResolvers<void>();
    api.hold = promise;
    clock.jump(MINUTE);
    ownership.observe(members({ a: 'ready' }));
    assert.equal(ownership.owns('ns'), false);
    await clock.advance(1000);
    ownership.observe(members({ a: 'ready' }));
    assert.equal(ownership.owns('ns'), false);
    resolve();
    await clock.advance(0);
    assert.deepEqual(ownership.summary().members, ['a', 'b']);
  });

  it('begins anew: leaves to the others what they took, until the slices show it ready', async (t) => {
    const { clock, api, ownership } = running(t, 'a', { a: 'ready', b: 'starting' });
    await clock.advance(MINUTE);
    api.slices = members({ a: 'starting', b: 'ready' });
    clock.jump(MINUTE);
    await clock.advance(1000);
    const mine = Array.from({ length: 50 }, (_, i) => `ns${i}`).find((name) => ownership.owns(name))!;
    assert.equal(ownership.owns(mine, 'a'), true);
    assert.equal(ownership.owns(mine, 'b'), false);
    ownership.observe(members({ a: 'ready', b: 'ready' }));
    assert.equal(ownership.owns(mine, 'b'), true);
  });

  it('asks again when it stood still while it asked', async (t) => {
    const { clock, api, ownership } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    const { promise, resolve } = Promise.withResolvers<void>();
    api.hold = promise;
    clock.jump(MINUTE);
    await clock.advance(1000);
    api.slices = members({ b: 'ready' });
    clock.jump(MINUTE);
    await clock.advance(1000);
    assert.equal(api.lists, 2);
    resolve();
    await clock.advance(0);
    assert.equal(api.lists, 3);
    assert.deepEqual(ownership.summary().members, ['b']);
  });

  it('learns it from the clock of the machine too, since a paused machine has no other; one that is set back is none', async (t) => {
    const { clock, api } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    clock.set(-5 * 60 * MINUTE);
    await clock.advance(MINUTE);
    assert.equal(api.lists, 1);
    clock.set(MINUTE);
    await clock.advance(2_000);
    assert.equal(api.lists, 2);
  });

  it('does not mind a stop that is too short for a takeover', async (t) => {
    const { clock, api, ownership } = running(t, 'a', { a: 'ready' });
    await clock.advance(MINUTE);
    clock.jump(3_000);
    assert.equal(ownership.owns('ns'), true);
    await clock.advance(MINUTE);
    assert.equal(api.lists, 1);
  });
});
