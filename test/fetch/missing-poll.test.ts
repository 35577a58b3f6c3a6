import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fetching } from './fetching.ts';

const MINUTE = 60_000;

/** A fetcher with an answer in memory, on a clock at which the next request may be sent. */
async function ready(random = () => 0.999) {
  const s = new Fetching({ random });
  const fetcher = s.join('a');
  fetcher.ask(s.clock.now());
  await s.pass(10_000);
  return { s, fetcher, begun: s.clock.now(), from: s.asked.length };
}

test('what is missing is asked for after five seconds at most, and then less and less often', async () => {
  const { s, fetcher, begun, from } = await ready();
  fetcher.pollFor('a');
  await s.pass(60 * MINUTE);
  const polls = s.asked.slice(from);
  assert.ok(polls[0]! - begun <= 5_000);
  const waits = polls.slice(1).map((at, index) => at - polls[index]!);
  for (const [index, wait] of waits.entries()) {
    const ceiling = Math.min(60_000, 5_000 * 2 ** (index + 1));
    assert.ok(wait >= 0.75 * ceiling && wait <= ceiling, `${wait} of ${ceiling}`);
  }
  assert.ok(polls.length >= 60 && polls.length <= 64, `${polls.length}`);
});

test('however many miss something, it is one poll', async () => {
  const { s, fetcher, from } = await ready();
  for (let index = 0; index < 1_000; index++) fetcher.pollFor(`k${index}`);
  await s.pass(MINUTE);
  assert.ok(s.asked.length - from <= 4, `${s.asked.length - from}`);
});

test('who comes new begins the pace anew, who polls already does not', async () => {
  const { s, fetcher } = await ready();
  fetcher.pollFor('a');
  await s.pass(30 * MINUTE);
  const from = s.asked.length;
  fetcher.pollFor('a');
  await s.pass(10_000);
  assert.equal(s.asked.length, from);
  fetcher.pollFor('b');
  await s.pass(5_000);
  assert.equal(s.asked.length, from + 1);
});

test('the poll ends when the last found what it wants', async () => {
  const { s, fetcher, from } = await ready();
  fetcher.pollFor('a');
  fetcher.pollFor('b');
  fetcher.stopPolling('a');
  await s.pass(6_000);
  assert.equal(s.asked.length, from + 1);
  fetcher.stopPolling('b');
  await s.pass(60 * MINUTE);
  assert.equal(s.asked.length, from + 1);
});

test('the poll ends when the last who misses something goes away', async () => {
  const { s, fetcher, from } = await ready();
  s.join('b');
  fetcher.pollFor('b');
  s.fetchers.leave('b', fetcher);
  await s.pass(60 * MINUTE);
  assert.equal(s.asked.length, from);
});

test('a poll wakes nobody for an answer without a change', async () => {
  const { s, fetcher } = await ready();
  fetcher.useAny('a');
  fetcher.pollFor('a');
  const from = s.wakes.length;
  await s.pass(60 * MINUTE);
  assert.equal(s.wakes.length, from);
  s.safe.register('later', 'x');
  await s.pass(5 * MINUTE);
  assert.deepEqual(s.wokenSince(from), ['a']);
});

test('polls of different agents spread out', async () => {
  const firsts = new Set<number>();
  for (const random of [0, 0.3, 0.6, 0.9]) {
    const { s, fetcher, begun, from } = await ready(() => random);
    fetcher.pollFor('a');
    await s.pass(5_000);
    firsts.add(s.asked[from]! - begun);
  }
  assert.equal(firsts.size, 4);
});
