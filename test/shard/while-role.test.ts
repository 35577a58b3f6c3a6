import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Change, Ownership } from '../../agent/shard/ownership.ts';
import type { Role } from '../../agent/shard/role.ts';
import { SoleOwnership } from '../../agent/shard/sole-ownership.ts';
import { whileRole } from '../../agent/shard/while-role.ts';
import { pause } from '../../agent/backoff.ts';
import { FakeClock } from '../fake-clock.ts';

/** An ownership of which only the role matters. */
function roles() {
  const listeners = new Set<(change: Change) => void>();
  let role: Role | undefined;
  const ownership: Ownership = {
    owns: () => false,
    ownerOf: () => undefined,
    summary: () => assert.fail(),
    observe: () => {},
    run: async () => {},
    role: () => role,
    onChange: (fn) => {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
  };
  const become = async (next: Role): Promise<void> => {
    role = next;
    for (const listener of listeners) listener({ gained: [], lost: [] });
    await setImmediate();
  };
  return { ownership, become, listeners };
}

const forever = (signal: AbortSignal): Promise<void> => pause(new FakeClock(), 1, signal);

describe('a task of a role', () => {
  it('runs from promotion to demotion, again after the next one, and ends with its signal', async () => {
    const { ownership, become, listeners } = roles();
    const seen: string[] = [];
    const stop = new AbortController();
    const end = whileRole(ownership, ['owner', 'standby'], async (signal) => {
      seen.push('start');
      await forever(signal);
      seen.push('end');
    })(stop.signal);
    await setImmediate();
    assert.deepEqual(seen, []);
    await become('standby');
    await become('owner');
    assert.deepEqual(seen, ['start']);
    await become('other');
    assert.deepEqual(seen, ['start', 'end']);
    await become('owner');
    assert.deepEqual(seen, ['start', 'end', 'start']);
    stop.abort();
    await end;
    assert.deepEqual(seen, ['start', 'end', 'start', 'end']);
    assert.equal(listeners.size, 0);
  });

  it('is not started again before it has ended', async () => {
    const { ownership, become } = roles();
    let runs = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    const end = whileRole(ownership, ['owner'], async (signal) => {
      runs += 1;
      await forever(signal);
      await promise;
    })(stop.signal);
    await become('owner');
    await become('other');
    await become('owner');
    assert.equal(runs, 1);
    resolve();
    await setImmediate();
    assert.equal(runs, 2);
    stop.abort();
    await end;
  });

  it('passes on the error of the task, and that it ended by itself', async () => {
    const { ownership, become } = roles();
    await become('owner');
    const { signal } = new AbortController();
    await assert.rejects(
      whileRole(ownership, ['owner'], async () => Promise.reject(new Error('broken')))(signal),
      /broken/,
    );
    await assert.rejects(whileRole(ownership, ['owner'], async () => {})(signal), /ended by itself/);
  });

  it('that fails because it was aborted has not failed', async () => {
    const { ownership, become } = roles();
    await become('owner');
    const stop = new AbortController();
    const end = whileRole(ownership, ['owner'], async (signal) => {
      await forever(signal);
      throw new Error('aborted');
    })(stop.signal);
    await become('other');
    stop.abort();
    await end;
  });
});

describe('a single agent', () => {
  it('owns everything, whoever owned it last', async () => {
    const sole = new SoleOwnership({ node: 'a', namespaces: () => ['x', 'y', 'x'] });
    const ownership: Ownership = sole;
    assert.equal(ownership.owns('x', 'other'), true);
    assert.deepEqual([ownership.ownerOf('x'), ownership.role()], ['a', 'owner']);
    assert.equal(ownership.summary().namespaces, 2);
    const stop = new AbortController();
    const end = ownership.run(stop.signal);
    stop.abort();
    await end;
  });
});
