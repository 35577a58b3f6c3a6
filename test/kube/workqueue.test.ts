import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { WorkQueue } from '../../agent/kube/workqueue.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { FakeClock } from '../fake-clock.ts';

const never = new AbortController().signal;

function create(options: { places?: number } = {}) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const queue = new WorkQueue({
    clock,
    metrics,
    backoff: { firstMs: 1_000, maxMs: 4_000 },
    random: () => 0.5,
    ...options,
  });
  /** Takes all that can be taken now. */
  const drain = async (): Promise<string[]> => {
    const keys: string[] = [];
    while (queue.size > 0) keys.push((await queue.take(never)) ?? assert.fail());
    return keys;
  };
  return { clock, metrics, queue, drain };
}

suite('a work queue', () => {
  test('holds a key once, however often it is added', async () => {
    const { queue, drain } = create();
    for (let i = 0; i < 3; i++) queue.add('a/1');
    queue.add('a/2');
    assert.equal(queue.size, 2);
    assert.deepEqual(await drain(), ['a/1', 'a/2']);
  });

  test('lets namespaces take turns', async () => {
    const { queue, drain } = create();
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'b/2']) queue.add(key);
    assert.deepEqual(await drain(), ['a/1', 'b/1', 'c/1', 'a/2', 'b/2', 'a/3']);
  });

  test('a namespace whose keys take much work has fewer turns, as long as others wait', async () => {
    const { queue, drain } = create();
    for (let i = 0; i < 3; i++) queue.add(`slow/${i}`);
    for (let i = 0; i < 5; i++) queue.add(`quick/${i}`);
    queue.charge('slow', 16);
    queue.charge('quick', 4);
    const order = ['quick/0', 'quick/1', 'quick/2', 'slow/0', 'quick/3', 'slow/1', 'quick/4', 'slow/2'];
    assert.deepEqual(await drain(), order);
    for (let i = 0; i < 1_000; i++) queue.charge('slow', 10_000);
    for (let i = 10; i < 110; i++) queue.add(`quick/${i}`);
    queue.add('slow/3');
    assert.equal((await drain()).indexOf('slow/3'), 41);
    queue.charge('slow', 10_000);
    queue.add('slow/4');
    assert.deepEqual(await drain(), ['slow/4']);
  });

  test('gives urgent keys first, and one routine key of eight in between', async () => {
    const { queue, drain } = create();
    for (let i = 0; i < 20; i++) queue.add(`r/${i}`);
    for (let i = 0; i < 20; i++) queue.add(`u/${i}`, { urgent: true });
    const order = (await drain()).map((key) => key[0]).join('');
    assert.equal(order, `uuuuuuuruuuuuuuruuuuuu${'r'.repeat(18)}`);
  });

  test('makes a waiting key urgent, and does not give it twice', async () => {
    const { queue, drain } = create();
    for (const key of ['a/1', 'b/1', 'c/1']) queue.add(key);
    queue.add('c/1', { urgent: true });
    queue.add('c/1');
    assert.equal(queue.size, 3);
    assert.deepEqual(await drain(), ['c/1', 'a/1', 'b/1']);
  });

  test('keeps back a key that is being worked on, until it is done', async () => {
    const { queue } = create();
    queue.add('a/1');
    const key = await queue.take(never);
    queue.add('a/1', { urgent: true });
    queue.add('a/1');
    queue.add('b/1');
    assert.equal(queue.size, 1);
    queue.done(key ?? '');
    assert.equal(await queue.take(never), 'a/1', 'it was added urgently');
    queue.done('a/1');
    assert.equal(await queue.take(never), 'b/1');
    assert.equal(queue.size, 0);
  });

  test('a namespace has no more keys in work than it leaves places free', async () => {
    const { queue } = create({ places: 16 });
    const taken: string[] = [];
    const takers = Array.from({ length: 16 }, async () => taken.push((await queue.take(never)) ?? ''));
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const inWork = async (namespace: string): Promise<number> => {
      await settled();
      return taken.filter((key) => key.startsWith(`${namespace}/`)).length;
    };
    for (let i = 0; i < 40; i++) queue.add(`slow/${i}`, { urgent: i % 2 === 0 });
    assert.equal(await inWork('slow'), 8);
    queue.add('fine/1');
    assert.equal(await inWork('fine'), 1, 'others have their places');
    for (let i = 0; i < 40; i++) queue.add(`slower/${i}`);
    assert.equal(await inWork('slower'), 4);
    assert.equal(queue.size, 68);
    queue.done('fine/1');
    assert.equal(await inWork('slow'), 8);
    for (const key of taken.filter((one) => one.startsWith('slow/')).slice(0, 6)) queue.done(key);
    await settled();
    assert.equal(taken.length, 16, 'a key that waits is handed out when there is room for its namespace');
    assert.equal(takers.length, 16);
  });

  test('lets takers wait, first come first served, until they no longer want to', async () => {
    const { queue } = create();
    const stop = new AbortController();
    const takers = [queue.take(never), queue.take(stop.signal), queue.take(never)];
    stop.abort();
    queue.add('a/1');
    queue.add('a/2');
    assert.deepEqual(await Promise.all(takers), ['a/1', undefined, 'a/2']);
    assert.equal(await queue.take(stop.signal), undefined);
  });

  test('retries a key after delays that grow until it is forgotten', async () => {
    const { queue, clock } = create();
    for (const delay of [500, 1_000, 2_000, 2_000]) {
      assert.equal(queue.retry('a/1'), delay);
      await clock.advance(delay - 1);
      assert.equal(queue.size, 0);
      await clock.advance(1);
      assert.equal(await queue.take(never), 'a/1');
      queue.done('a/1');
    }
    assert.equal(queue.attempts('a/1'), 4);
    assert.equal(queue.retry('a/1', 60_000), 60_000);
    queue.forget('a/1');
    assert.deepEqual(clock.pending, []);
    assert.equal(queue.attempts('a/1'), 0);
    assert.equal(queue.retry('a/1'), 500);
  });

  test('does not wait with a retry for a key that is added meanwhile', async () => {
    const { queue, clock } = create();
    queue.retry('a/1');
    queue.add('a/1');
    assert.deepEqual(clock.pending, []);
    assert.equal(await queue.take(never), 'a/1');
    assert.equal(queue.retry('a/1'), 1_000, 'the count goes on');
    await clock.advance(1_000);
    assert.equal(queue.size, 0, 'it is still being worked on');
    queue.done('a/1');
    assert.equal(queue.size, 1);
  });

  test('gives and takes nothing once it is closed', async () => {
    const { queue, clock } = create();
    const taker = queue.take(never);
    queue.retry('a/1');
    queue.close();
    assert.equal(await taker, undefined);
    assert.deepEqual(clock.pending, []);
    queue.add('a/2');
    queue.retry('a/2');
    assert.equal(queue.size, 0);
    assert.equal(await queue.take(never), undefined);
    assert.deepEqual(clock.pending, []);
  });

  test('shows how many keys wait', async () => {
    const { queue, metrics } = create();
    queue.add('a/1');
    queue.add('a/2', { urgent: true });
    assert.match(await metrics.registry.metrics(), /queue_depth 2/);
    await queue.take(never);
    assert.match(await metrics.registry.metrics(), /queue_depth 1/);
  });

  test('never loses a key, nor gives one to two workers, whatever happens in whatever order', async () => {
    const key = fc.constantFrom('a/1', 'a/2', 'b/1', 'c/1', 'c/2', 'c/3');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, urgent: fc.boolean() }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue } = create();
        /** What must be looked at yet, and what is. */
        const wanted = new Set<string>();
        const active: string[] = [];
        for (const each of steps) {
          if (each.do === 'add') {
            queue.add(each.key, { urgent: each.urgent });
            wanted.add(each.key);
          } else if (each.do === 'take' && queue.size > 0) {
            const taken = (await queue.take(never)) ?? assert.fail();
            assert.ok(wanted.delete(taken) && !active.includes(taken), taken);
            active.push(taken);
          } else if (each.do === 'done' && active.length > 0) {
            queue.done(active.shift() ?? '');
          }
          assert.equal(queue.size, [...wanted].filter((each) => !active.includes(each)).length);
        }
      }),
    );
  });

  test('workers that come back get to every key, however few places a namespace has', async () => {
    const key = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(9), fc.boolean());
    await fc.assert(
      fc.asyncProperty(
        fc.array(key, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        async (keys, places) => {
          const { queue } = create({ places });
          const seen = new Set<string>();
          let atOnce = 0;
          const stop = new AbortController();
          const work = async (): Promise<void> => {
            for (let taken; (taken = await queue.take(stop.signal)) !== undefined; queue.done(taken)) {
              assert.ok((atOnce += 1) <= places);
              seen.add(taken);
              await Promise.resolve();
              atOnce -= 1;
            }
          };
          const workers = Array.from({ length: places }, work);
          for (const [namespace, name, urgent] of keys) queue.add(`${namespace}/${name}`, { urgent });
          await new Promise((resolve) => setImmediate(resolve));
          assert.equal(queue.size, 0);
          assert.equal(seen.size, new Set(keys.map(([namespace, name]) => `${namespace}/${name}`)).size);
          stop.abort();
          await Promise.all(workers);
        },
      ),
    );
  });

  test('takes constant time: ten times as many keys take not much more than ten times as long', async () => {
    // CPU time: other tests run at the same time.
    const run = async (count: number): Promise<number> => {
      const { queue, drain } = create();
      const before = process.cpuUsage();
      for (let i = 0; i < count; i++) queue.add(`ns-${i % 7}/${i}`);
      for (let i = 0; i < count; i += 2) queue.add(`ns-${i % 7}/${i}`, { urgent: true });
      assert.equal((await drain()).length, count);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    await run(5_000);
    const [few, many] = [await run(5_000), await run(50_000)];
    // Quadratic would be a hundred times as long; what is beyond ten is the garbage collector's.
    assert.ok(many < few * 50, `${few} ms, ${many} ms`);
  });
});
