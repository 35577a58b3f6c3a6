import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MINUTE, running } from './running.ts';

describe('two agents that count differently', () => {
  it('are told by each other, once, when it is no hand-over any more', async (t) => {
    const { clock, ownership, lines } = running(t, 'a', { a: 'ready', b: 'ready' }, 1);
    const told = () => lines.filter(({ msg }) => String(msg).startsWith('Another agent serves'));
    await clock.advance(2 * MINUTE);
    assert.deepEqual(ownership.summary().owners, ['a']);
    // Each writes its own name into the status, and sees the other's there.
    for (let seconds = 0; seconds < 120; seconds += 5) {
      ownership.owns('ns', 'a');
      ownership.owns('ns', 'b');
      if (seconds === 55) assert.deepEqual(told(), []);
      await clock.advance(5_000);
    }
    assert.deepEqual(
      told().map(({ level, namespace, otherNode }) => [level, namespace, otherNode]),
      [['warn', 'ns', 'b']],
    );
  });
});

describe('a namespace that another member served before', () => {
  it('is no dispute', async (t) => {
    const { clock, ownership, lines } = running(t, 'a', { a: 'ready', b: 'ready' });
    for (let seconds = 0; seconds < 180; seconds += 5) {
      ownership.owns('ns', 'b');
      await clock.advance(5_000);
    }
    assert.ok(!lines.some(({ msg }) => String(msg).startsWith('Another agent serves')));
  });
});
