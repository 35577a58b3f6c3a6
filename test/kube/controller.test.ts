import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Controller } from '../../agent/kube/controller.ts';
import { KubeError } from '../../agent/kube/error.ts';
import { WorkQueue } from '../../agent/kube/workqueue.ts';
import { createLog, type LogFields } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { FakeClock } from '../fake-clock.ts';
import { until } from './wire.ts';

/** A controller whose reconciliations the test ends itself. */
function start(t: TestContext, concurrency = 2) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, metrics: createMetrics(), random: () => 0.5 });
  const lines: (LogFields & { level: string; msg: string })[] = [];
  const inWork = new Map<string, PromiseWithResolvers<void>>();
  const stop = new AbortController();
  const controller = new Controller({
    queue,
    concurrency,
    clock,
    log: createLog('debug', {}, { write: (line) => lines.push(JSON.parse(line)) }),
    async reconcile(key, signal) {
      assert.equal(signal, stop.signal);
      assert.ok(!inWork.has(key));
      const work = Promise.withResolvers<void>();
      inWork.set(key, work);
      await work.promise.finally(() => inWork.delete(key));
    },
  });
  const running = controller.run(stop.signal);
  t.after(async () => {
    stop.abort();
    for (const work of inWork.values()) work.resolve();
    await running;
  });
  const keys = (): string => [...inWork.keys()].toSorted().join(' ');
  return {
    clock,
    queue,
    lines,
    inWork,
    stop,
    running,
    keys,
    now: (wanted: string) => until(() => keys() === wanted),
  };
}

suite('a controller', () => {
  test('works on so many keys at a time', async (t) => {
    const { queue, inWork, now } = start(t);
    for (const key of ['a/1', 'a/2', 'a/3']) queue.add(key);
    await now('a/1 a/2');
    inWork.get('a/2')?.resolve();
    await now('a/1 a/3');
  });

  test('looks again at a key that was added while it was looked at', async (t) => {
    const { queue, inWork, now, keys } = start(t);
    queue.add('a/1');
    await now('a/1');
    queue.add('a/1');
    queue.add('b/1');
    await now('a/1 b/1');
    const first = inWork.get('a/1');
    first?.resolve();
    await until(() => inWork.get('a/1') !== first && keys() === 'a/1 b/1');
  });

  test('tries again what failed, ever later, and says so once, by code', async (t) => {
    const { queue, inWork, now, lines, clock } = start(t);
    queue.add('a/1');
    for (const delay of [500, 1_000]) {
      await now('a/1');
      inWork.get('a/1')?.reject(Object.assign(new Error('s3cr3t'), { code: 'ECONNRESET' }));
      await clock.whenPending((ms) => ms === delay);
      await clock.advance(delay);
    }
    await now('a/1');
    inWork.get('a/1')?.resolve();
    await now('');
    queue.add('a/1');
    await now('a/1');
    inWork.get('a/1')?.reject(new TypeError('s3cr3t'));
    await clock.whenPending((ms) => ms === 500);
    assert.deepEqual(
      lines.map(({ level, namespace, name, code, attempt }) => [level, namespace, name, code, attempt]),
      [
        ['warn', 'a', '1', 'ECONNRESET', 1],
        ['debug', 'a', '1', 'ECONNRESET', 2],
        ['info', 'a', '1', undefined, 2],
        ['warn', 'a', '1', 'TypeError', 1],
      ],
    );
    assert.doesNotMatch(JSON.stringify(lines), /s3cr3t/);
  });

  test('waits as long as an error wants', async (t) => {
    const { queue, inWork, now, lines, clock } = start(t);
    queue.add('a/1');
    await now('a/1');
    inWork.get('a/1')?.reject(new KubeError(429, { reason: 'TooManyRequests', retryAfterMs: 9_000 }));
    await clock.whenPending((ms) => ms === 9_000);
    assert.deepEqual([lines[0]?.status, lines[0]?.reason], [429, 'TooManyRequests']);
  });

  test('that ends takes no key any more, and waits for what it works on', async (t) => {
    const { queue, inWork, now, stop, running, clock } = start(t, 1);
    queue.add('a/1');
    queue.add('a/2');
    await now('a/1');
    let ended = false;
    void running.then(() => (ended = true));
    stop.abort();
    await clock.advance(1_000);
    assert.equal(ended, false);
    inWork.get('a/1')?.resolve();
    await running;
    assert.equal(queue.size, 1);
  });

  test('that ends does not begin with a key that it was just handed', async (t) => {
    const { queue, stop, running, keys } = start(t);
    await new Promise(setImmediate);
    queue.add('a/1');
    assert.equal(queue.size, 0);
    stop.abort();
    await running;
    assert.equal(keys(), '');
  });

  test('that ends does not try again what fails meanwhile, nor talk about it', async (t) => {
    const { queue, inWork, now, stop, running, clock, lines } = start(t);
    queue.add('a/1');
    await now('a/1');
    stop.abort();
    inWork.get('a/1')?.reject(new Error('aborted'));
    await running;
    assert.deepEqual(clock.pending, []);
    assert.deepEqual(lines, []);
  });
});
