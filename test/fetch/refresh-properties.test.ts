import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toleranceOf } from '../../agent/decide/freshness.ts';
import {
  EVICT,
  FAIL,
  JOIN,
  POLL,
  PASS,
  RECOVER,
  Scenario,
  SLOW,
  TOUCH,
  type Step,
} from './refresh-scenario.ts';

const FLOOR_MS = 5_000;
const RUNS = { numRuns: 60 };

const stepsOf = (...kinds: [fc.Arbitrary<Step>, weight: number][]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...kinds.map(([arbitrary, weight]) => ({ arbitrary, weight }))), {
    minLength: 5,
    maxLength: 50,
  });
const ANYTHING = stepsOf(
  [JOIN, 4],
  [TOUCH, 4],
  [POLL, 2],
  [FAIL, 1],
  [RECOVER, 2],
  [EVICT, 1],
  [SLOW, 1],
  [PASS, 5],
);

const holds = (steps: fc.Arbitrary<Step[]>, property: (scenario: Scenario, steps: Step[]) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(steps, (all) => property(new Scenario(), all)),
    RUNS,
  );

test('whatever happens, requests begin five seconds apart at least, and the first one at once', async () => {
  await holds(ANYTHING, async (scenario, steps) => {
    await scenario.run(steps);
    const { asked } = scenario.s;
    if (scenario.firstWish !== undefined) assert.equal(asked[0], scenario.firstWish);
    for (const [index, at] of asked.entries())
      if (index > 0) assert.ok(at - asked[index - 1]! >= FLOOR_MS, `${at - asked[index - 1]!} ms apart`);
  });
});

test('whatever happens, a Retry-After is kept by everybody', async () => {
  await holds(ANYTHING, async (scenario, steps) => {
    const { s } = scenario;
    let notBefore = -Infinity;
    const read = s.safe.read.bind(s.safe);
    s.safe.read = async (dial) => {
      assert.ok(scenario.now >= notBefore, `${notBefore - scenario.now} ms early`);
      return read(dial).catch((error: { retryAfterMs?: number }) => {
        notBefore = scenario.now + (error.retryAfterMs ?? 0);
        throw error;
      });
    };
    await scenario.run(steps);
  });
});

test('whatever happens, nobody waits on while the answer that they wait for is in memory', async () => {
  await holds(ANYTHING, async (scenario, steps) => {
    scenario.check = () => {
      const begunAt = scenario.fetcher.answer()?.begunAt ?? -Infinity;
      for (const [name, { needAfter = Infinity }] of scenario.members)
        assert.ok(needAfter > begunAt, `${name} still waits`);
    };
    await scenario.run(steps);
  });
});

test('whatever happened, once Safe answers everybody has an answer, within one backoff step', async () => {
  await holds(ANYTHING, async (scenario, steps) => {
    await scenario.run(steps);
    // A request that is under way may fail yet, with a Retry-After.
    await scenario.run([{ do: 'slow', ms: 0 }, { do: 'recover' }, { do: 'pass', ms: 10_000 }]);
    const { failure } = scenario.fetcher;
    const until = Math.max(scenario.now + 2 * FLOOR_MS + 9_000, failure?.nextRetryAt ?? 0) + FLOOR_MS;
    await scenario.s.pass(until - scenario.now);
    for (const [name, { needAfter }] of scenario.members)
      assert.equal(needAfter, undefined, `${name} still waits`);
    assert.equal(scenario.fetcher.failure, undefined);
  });
});

test('while Safe answers nothing is asked but what groups and wishes want', async () => {
  await holds(stepsOf([JOIN, 4], [TOUCH, 3], [EVICT, 1], [PASS, 6]), async (scenario, steps) => {
    await scenario.run(steps);
    const { asked } = scenario.s;
    assert.ok(asked.length <= scenario.dues + scenario.wishes, `${asked.length} requests`);
    assert.ok(asked.length <= 1 + (scenario.now - (asked[0] ?? 0)) / FLOOR_MS);
  });
});

test('no resource is older than its interval and the tolerance while Safe answers', async () => {
  await holds(ANYTHING, async (scenario, steps) => {
    scenario.check = () => {
      const { goodSince, now, s } = scenario;
      if (goodSince === undefined) return;
      const newest = s.safe.requests.findLast(({ ok }) => ok)?.at ?? -Infinity;
      for (const [name, { intervalMs, joinedAt }] of scenario.members) {
        const oldest = intervalMs + Math.max(FLOOR_MS, toleranceOf(intervalMs)) + 2_000;
        // A failure before may have left a retry up to five minutes away, or a Retry-After.
        const settled = Math.max(joinedAt, goodSince + 420_000);
        if (intervalMs === 0 || now - settled < oldest) continue;
        assert.ok(now - newest <= oldest, `${name} of ${intervalMs} is ${now - newest} old`);
      }
    };
    await scenario.run(steps);
    await scenario.run([{ do: 'recover' }, { do: 'slow', ms: 0 }, { do: 'pass', ms: 430_000 }]);
    await scenario.run(Array.from({ length: 80 }, () => ({ do: 'pass', ms: 1_777 }) as const));
  });
});

test('10 s, 30 s and 1 h on one Safe cost it no more than one request for each moment of each', async () => {
  const scenario = new Scenario();
  const joins = [10_000, 30_000, 3_600_000].map(
    (intervalMs, key) => ({ do: 'join', key, intervalMs }) as const,
  );
  await scenario.run(joins);
  await scenario.s.pass(3_600_000);
  const { length } = scenario.s.asked;
  assert.ok(length >= 360 && length <= scenario.dues + 1, `${length}`);
  assert.ok(scenario.dues <= 360 + 120 + 1);
});
