import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { runTogether, type Task } from '../../agent/tasks.ts';

const untilAborted: Task = async (signal) => {
  if (!signal.aborted) await once(signal, 'abort');
};

test('tasks end together when the signal is aborted, and that is no failure', async () => {
  const stop = new AbortController();
  const running = runTogether(stop.signal, { a: untilAborted, b: untilAborted });
  stop.abort();
  await running;
});

test('a signal that was aborted before reaches every task', async () => {
  const seen: boolean[] = [];
  const task: Task = async (signal) => void seen.push(signal.aborted);
  await runTogether(AbortSignal.abort(), { a: task, b: task });
  assert.deepEqual(seen, [true, true]);
});

test('one that rejects ends the others, and its error is told once all have ended', async () => {
  const ended: string[] = [];
  const slow: Task = async (signal) => {
    await untilAborted(signal);
    await new Promise((resolve) => setImmediate(resolve));
    ended.push('slow');
  };
  const problem = new Error('cannot go on');
  const running = runTogether(new AbortController().signal, { slow, bad: () => Promise.reject(problem) });
  await assert.rejects(running, problem);
  assert.deepEqual(ended, ['slow']);
});

test('the first error is told, not one that followed from it', async () => {
  const first = new Error('first');
  const follows: Task = async (signal) => {
    await untilAborted(signal);
    throw new Error('second');
  };
  const running = runTogether(new AbortController().signal, { follows, first: () => Promise.reject(first) });
  await assert.rejects(running, first);
});

test('one that ends by itself is a failure that names it', async () => {
  const running = runTogether(new AbortController().signal, { untilAborted, quitter: async () => {} });
  await assert.rejects(running, /quitter/);
});

test('one that throws before its first await is a failure too', async () => {
  const throws = (() => {
    throw new Error('at once');
  }) as Task;
  await assert.rejects(runTogether(new AbortController().signal, { untilAborted, throws }), /at once/);
});
