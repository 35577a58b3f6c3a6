import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Membership } from '../../agent/shard/membership.ts';
import { FakeClock } from '../fake-clock.ts';
import { endpoint, members, sliceOf } from './slice.ts';
import { DELAY, watcher } from './watcher.ts';

describe('the agent itself', () => {
  it('is not present while the slices hold another pod of its node', () => {
    const { membership } = watcher();
    membership.observe([sliceOf(endpoint('a', 'ready', 'older'), endpoint('b', 'ready'))]);
    assert.deepEqual([membership.view.present, membership.view.counted], [false, false]);
    membership.observe([sliceOf(endpoint('a', 'terminating', 'older'), endpoint('a', 'starting'))]);
    assert.equal(membership.view.present, true);
  });

  it('is present by its node alone where it does not know its pod, or the slice does not name one', () => {
    const unknown = new Membership({
      node: 'a',
      handoffDelayMs: DELAY,
      clock: new FakeClock(),
      onChange: () => {},
    });
    unknown.observe(members({ a: 'ready' }));
    assert.equal(unknown.view.present, true);
    const { membership } = watcher();
    membership.observe([sliceOf({ ...endpoint('a', 'ready'), pod: undefined })]);
    assert.equal(membership.view.present, true);
  });

  it('takes part from when its pod first shows, for the delay if it does not get ready', async () => {
    const { see, names, clock, membership } = watcher();
    see({ b: 'ready' });
    assert.equal(names(), 'b');
    see({ a: 'starting', b: 'ready' });
    assert.equal(names(), 'a b');
    assert.equal(membership.view.counted, false);
    await clock.advance(DELAY);
    assert.equal(names(), 'b');
    see({ a: 'starting', b: 'ready' });
    assert.equal(names(), 'b', 'only once');
    see({ a: 'ready', b: 'ready' });
    assert.equal(names(), 'a b');
    assert.equal(membership.view.counted, true);
  });

  it('is gone at once when its pod leaves the slices', () => {
    const { see, membership } = watcher();
    see({ a: 'ready', b: 'ready' });
    see({ b: 'ready' });
    assert.equal(membership.view.present, false);
  });

  it('has settled once the delay has passed since its first look', async () => {
    const { see, clock, membership, changes } = watcher();
    await clock.advance(DELAY);
    see({ a: 'ready' });
    await clock.advance(DELAY - 1);
    assert.equal(membership.view.settled, false);
    const before = changes();
    await clock.advance(1);
    assert.equal(membership.view.settled, true);
    assert.equal(changes(), before + 1);
  });

  it('begins anew after a restart', async () => {
    const { see, names, clock, membership } = watcher();
    see({ a: 'ready', b: 'ready', c: 'ready' });
    await clock.advance(DELAY);
    see({ a: 'ready', b: 'ready' });
    membership.restart();
    assert.deepEqual(clock.pending, []);
    see({ a: 'starting', b: 'ready' });
    assert.equal(names(), 'a b');
    assert.deepEqual(
      { ...membership.view, members: 0 },
      { members: 0, present: true, counted: false, settled: false },
    );
  });

  it('sees other members after a restart, also if they are as many', () => {
    const { see, names, membership } = watcher();
    see({ a: 'ready', b: 'ready' });
    membership.restart();
    see({ a: 'ready', c: 'ready' });
    assert.equal(names(), 'a c');
  });
});
