import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DELAY, watcher } from './watcher.ts';
import { endpoint, sliceOf, type State } from './slice.ts';

describe('membership', () => {
  it('consists of the nodes with a ready pod, from all slices', () => {
    const { membership, names } = watcher();
    membership.observe([
      sliceOf(endpoint('a', 'ready'), endpoint('b', 'ready')),
      sliceOf(endpoint('c', 'ready'), endpoint('d', 'starting'), endpoint('e', 'terminating')),
      sliceOf(),
    ]);
    assert.equal(names(), 'a b c');
    assert.deepEqual(
      { ...membership.view, members: 0 },
      { members: 0, present: true, counted: true, settled: false },
    );
  });

  it('needs one ready pod of a node during a rollout, wherever it stands', () => {
    const { membership, names } = watcher();
    membership.observe([
      sliceOf(endpoint('a', 'ready'), endpoint('b', 'terminating', 'old'), endpoint('b', 'ready', 'new')),
      sliceOf(endpoint('c', 'starting', 'new')),
      sliceOf(endpoint('c', 'ready', 'old')),
    ]);
    assert.equal(names(), 'a b c');
  });

  it('is everyone who is not terminating while nobody is ready', async () => {
    const { see, names, clock, membership } = watcher();
    see({ a: 'starting', b: 'starting', c: 'terminating' });
    assert.equal(names(), 'a b');
    assert.ok(membership.view.counted);
    await clock.advance(2 * DELAY);
    assert.equal(names(), 'a b');
    see({ a: 'starting', b: 'ready' });
    assert.equal(names(), 'a b', 'the others stay for the delay once one is ready');
    await clock.advance(DELAY);
    assert.equal(names(), 'b');
  });

  it('keeps a member that turned not-ready, is terminating, or vanished, for the delay', async () => {
    const { see, names, clock } = watcher();
    see({ a: 'ready', b: 'ready', c: 'ready', d: 'ready' });
    see({ a: 'ready', b: 'starting', c: 'terminating' });
    assert.equal(names(), 'a b c d');
    await clock.advance(DELAY - 1);
    assert.equal(names(), 'a b c d');
    await clock.advance(1);
    assert.equal(names(), 'a');
  });

  it('counts the delay from when the member was first seen so', async () => {
    const { see, names, clock } = watcher();
    see({ a: 'ready', b: 'ready' });
    see({ a: 'ready', b: 'starting' });
    await clock.advance(DELAY / 2);
    see({ a: 'ready', b: 'terminating' });
    see({ a: 'ready' });
    await clock.advance(DELAY / 2);
    assert.equal(names(), 'a');
  });

  it('does not change for a member that comes back in time', async () => {
    const { see, names, clock, changes } = watcher();
    see({ a: 'ready', b: 'ready' });
    await clock.advance(DELAY);
    const before = changes();
    see({ a: 'ready', b: 'terminating' });
    await clock.advance(DELAY / 2);
    see({ a: 'ready' });
    see({ a: 'ready', b: 'starting' });
    await clock.advance(DELAY / 2 - 1);
    see({ a: 'ready', b: 'ready' });
    await clock.advance(2 * DELAY);
    assert.equal(names(), 'a b');
    assert.equal(changes(), before);
    assert.deepEqual(clock.pending, []);
  });

  it('gives a member that leaves again a whole delay again', async () => {
    const { see, names, clock } = watcher();
    see({ a: 'ready', b: 'ready' });
    see({ a: 'ready' });
    await clock.advance(DELAY - 1);
    see({ a: 'ready', b: 'ready' });
    see({ a: 'ready' });
    await clock.advance(DELAY - 1);
    assert.equal(names(), 'a b');
    await clock.advance(1);
    assert.equal(names(), 'a');
  });

  it('takes a pod that was never seen ready only once it is', () => {
    const { see, names } = watcher();
    see({ a: 'ready' });
    see({ a: 'ready', b: 'starting' });
    assert.equal(names(), 'a');
    see({ a: 'ready', b: 'ready' });
    assert.equal(names(), 'a b');
  });

  it('drops all that left together in one change', async () => {
    const { see, clock, changes } = watcher();
    const nodes = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`n${i}`, 'ready' as const]));
    see({ a: 'ready', ...nodes });
    await clock.advance(DELAY);
    const before = changes();
    see({ a: 'ready' });
    await clock.advance(DELAY);
    assert.equal(changes(), before + 1);
  });

  it('does not depend on how endpoints are spread over slices', () => {
    const state = fc.constantFrom<State>('ready', 'starting', 'terminating');
    const pods = fc.array(fc.tuple(fc.constantFrom(...'abcde'), state), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(pods, fc.nat(), (list, cut) => {
        const endpoints = list.map(([node, state], i) => endpoint(node, state, `pod-${i}`));
        const one = watcher();
        one.membership.observe([sliceOf(...endpoints)]);
        const other = watcher();
        const reversed = endpoints.toReversed();
        const at = cut % endpoints.length;
        other.membership.observe([sliceOf(...reversed.slice(at)), sliceOf(...reversed.slice(0, at))]);
        assert.deepEqual(other.membership.view.present, one.membership.view.present);
        assert.equal(other.names(), one.names());
      }),
    );
  });
});
