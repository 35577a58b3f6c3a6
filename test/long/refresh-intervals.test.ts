import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { startProcess } from '../stage/agents.ts';
import { vssPath } from '../stage/await-object.ts';
import { Observer } from '../stage/observer.ts';
import { RisingValue } from '../stage/rising-value.ts';
import { vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';
import { Tally } from '../stage/tally.ts';

const FLOOR_MS = 5_000;
const SLACK_MS = 2_000;
const CLIMB_MS = 1_000;
const ALL = ['10s', '30s', '1h'];

const seconds = (interval: string): number => (interval === '1h' ? 3_600 : Number.parseInt(interval, 10));
/** The oldest that a resource may ever be. */
const oldest = (interval: string): number =>
  seconds(interval) * 1_000 + Math.max(FLOOR_MS, Math.min(30_000, seconds(interval) * 100)) + SLACK_MS;
const data = [
  { key: 'first', ref: 'rising.first' },
  { key: 'second', ref: 'rising.second' },
];

test(
  '10 s, 30 s and 1 h on one Safe: no more requests than the intervals want, and nothing older than they say',
  { timeout: 300_000 },
  async (t) => {
    await using stage = await Stage.start();
    const ns = await stage.namespace('mixed');
    const rising = await RisingValue.register(stage.safe, 'rising');
    const keys = ALL.map((interval) => `${ns}/every-${interval}`);
    const observer = await Observer.start(stage.cluster.admin, keys);
    await stage.cluster.apply(
      ALL.map((interval) => vss(`every-${interval}`, { refreshInterval: interval, data })),
      ns,
    );
    const agent = startProcess(await stage.join('node-1'));
    try {
      await observer.caughtUp(1, 30_000);
      const aged = async (ms: number, intervals: readonly string[]): Promise<void> => {
        const tally = new Tally(stage);
        const from = rising.now + 1;
        rising.climb(CLIMB_MS);
        await sleep(ms);
        await rising.rest();
        const reads = tally.reads.length;
        // The time begins anywhere within each of the intervals, and is a multiple of none.
        const wanted = intervals.reduce(
          (sum, interval) => sum + Math.ceil(ms / 1_000 / seconds(interval)),
          0,
        );
        assert.ok(reads <= wanted, `${reads} requests where the intervals want ${wanted}`);
        const least = Math.floor(ms / 1_000 / Math.min(...intervals.map(seconds)));
        assert.ok(reads >= least, `${reads} requests, ${least} at least`);

        for (const interval of intervals) {
          const ages = Array.from({ length: rising.now - from + 1 }, (_, index) => {
            const value = from + index;
            return (
              Math.min(observer.reachedAt(`${ns}/every-${interval}`, value), Date.now()) - rising.setAt(value)
            );
          });
          const worst = Math.max(...ages);
          t.diagnostic(
            `${interval} among ${intervals.join(', ')}: ${worst} ms old at worst, ${reads} requests`,
          );
          assert.ok(worst <= oldest(interval), `${interval}: ${worst} ms old`);
        }
        assert.deepEqual(observer.findings, []);
      };
      await aged(85_000, ALL);

      // Among others a slow one is served with the quick ones; alone it has to keep its own time.
      await stage.cluster.admin.ok('DELETE', vssPath(ns, 'every-10s'));
      await aged(75_000, ['30s', '1h']);
    } finally {
      await rising.rest();
      observer.close();
      await agent.stop();
    }
  },
);
