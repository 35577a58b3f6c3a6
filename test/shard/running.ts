import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createLog } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import type { Change } from '../../agent/shard/ownership.ts';
import { SharedOwnership } from '../../agent/shard/shared-ownership.ts';
import type { Slice } from '../../agent/shard/slices.ts';
import { FakeClock } from '../fake-clock.ts';
import { members, type State } from './slice.ts';

export const DELAY = 30_000;
export const MINUTE = 60_000;

/** An agent that runs, with an API server that lists `api.slices`, or fails, or hangs until told. */
export function running(
  t: TestContext,
  node: string,
  states: Record<string, State>,
  maxOwners = 0,
  fail = false,
) {
  const clock = new FakeClock();
  const api = {
    slices: members(states) as readonly Slice[],
    lists: 0,
    fail,
    hold: undefined as Promise<void> | undefined,
    /** Since when the watch says nothing; without an instant it fails. */
    silentSince: undefined as { at: number | undefined } | undefined,
  };
  const lines: Record<string, unknown>[] = [];
  const changes: Change[] = [];
  const ownership = new SharedOwnership({
    node,
    pod: `agent-${node}`,
    maxOwners,
    handoffDelayMs: DELAY,
    list: async () => {
      api.lists += 1;
      const { slices, hold } = api;
      if (api.fail) throw Object.assign(new Error('s3cr3t'), { status: 403, reason: 'Forbidden' });
      await hold;
      return slices;
    },
    watchedAt: () => (api.silentSince === undefined ? clock.now() : api.silentSince.at),
    namespaces: () => ['ns'],
    clock,
    log: createLog('info', {}, { write: (line) => lines.push(JSON.parse(line)) }),
    metrics: createMetrics(),
    random: () => 0.5,
  });
  ownership.onChange((change) => changes.push(change));
  const stop = new AbortController();
  const end = ownership.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await end;
    assert.deepEqual(clock.pending, []);
  });
  return { clock, api, ownership, lines, changes, stop, end };
}
