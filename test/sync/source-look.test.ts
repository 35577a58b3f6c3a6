import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sourced } from './sourced.ts';

const MINUTE = 60_000;

/** A source with an answer in memory, on a clock at which the next request may be sent. */
async function ready(random = () => 0.999) {
  const s = new Sourced({ random });
  const source = s.join('a');
  source.ask(s.clock.now());
  await s.pass(10_000);
  return { s, source, begun: s.clock.now(), from: s.asked.length };
}

test('what is missing is looked for after five seconds at most, and then less and less often', async () => {
  const { s, source, begun, from } = await ready();
  source.lookFor('a');
  await s.pass(60 * MINUTE);
  const looks = s.asked.slice(from);
  assert.ok(looks[0]! - begun <= 5_000);
  const waits = looks.slice(1).map((at, index) => at - looks[index]!);
  for (const [index, wait] of waits.entries()) {
    const ceiling = Math.min(300_000, 5_000 * 2 ** (index + 1));
    assert.ok(wait >= 0.75 * ceiling && wait <= ceiling, `${wait} of ${ceiling}`);
  }
  assert.ok(looks.length >= 15 && looks.length <= 22, `${looks.length}`);
});

test('however many look, it is one look', async () => {
  const { s, source, from } = await ready();
  for (let index = 0; index < 1_000; index++) source.lookFor(`k${index}`);
  await s.pass(MINUTE);
  assert.ok(s.asked.length - from <= 4, `${s.asked.length - from}`);
});

test('who comes new begins the pace anew, who looks already does not', async () => {
  const { s, source } = await ready();
  source.lookFor('a');
  await s.pass(30 * MINUTE);
  const from = s.asked.length;
  source.lookFor('a');
  await s.pass(10_000);
  assert.equal(s.asked.length, from);
  source.lookFor('b');
  await s.pass(5_000);
  assert.equal(s.asked.length, from + 1);
});

test('the look ends when the last found what it wants', async () => {
  const { s, source, from } = await ready();
  source.lookFor('a');
  source.lookFor('b');
  source.stopLooking('a');
  await s.pass(6_000);
  assert.equal(s.asked.length, from + 1);
  source.stopLooking('b');
  await s.pass(60 * MINUTE);
  assert.equal(s.asked.length, from + 1);
});

test('the look ends when the last who looks goes away', async () => {
  const { s, source, from } = await ready();
  s.join('b');
  source.lookFor('b');
  s.sources.leave('b', source);
  await s.pass(60 * MINUTE);
  assert.equal(s.asked.length, from);
});

test('a look wakes nobody for an answer without a change', async () => {
  const { s, source } = await ready();
  source.useAny('a');
  source.lookFor('a');
  const from = s.wakes.length;
  await s.pass(60 * MINUTE);
  assert.equal(s.wakes.length, from);
  s.safe.register('later', 'x');
  await s.pass(5 * MINUTE);
  assert.deepEqual(s.wokenSince(from), ['a']);
});

test('looks of different agents spread out', async () => {
  const firsts = new Set<number>();
  for (const random of [0, 0.3, 0.6, 0.9]) {
    const { s, source, begun, from } = await ready(() => random);
    source.lookFor('a');
    await s.pass(5_000);
    firsts.add(s.asked[from]! - begun);
  }
  assert.equal(firsts.size, 4);
});
