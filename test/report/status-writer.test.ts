import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS_PACE } from '../../agent/report/status-writer.ts';
import { resourceOf } from '../sync/objects.ts';
import { beginPuts, fails } from './status-puts.ts';

test('a status is written at once, and not again while nothing is submitted', async () => {
  const { clock, writer, puts, results, submit } = beginPuts();
  submit('db');
  await clock.advance(60_000);
  assert.deepEqual(puts, [{ name: 'db', node: 'a', at: 0 }]);
  assert.deepEqual([results, writer.size], [['written'], 0]);
});

test('one resource is written once in five seconds, and then the newest alone', async () => {
  const { clock, puts, submit } = beginPuts();
  submit('db', 'a', 'urgent');
  await clock.advance(1_000);
  submit('db', 'b', 'urgent');
  await clock.advance(1_000);
  submit('db', 'c', 'urgent');
  await clock.advance(60_000);
  assert.deepEqual(puts, [
    { name: 'db', node: 'a', at: 0 },
    { name: 'db', node: 'c', at: 5_000 },
  ]);
});

test('what comes while a write is under way is written after it, at its pace', async () => {
  const { clock, puts, answers, submit } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  answers.push(() => slow.promise);
  submit('db', 'a');
  await clock.advance(3_000);
  submit('db', 'b');
  await clock.advance(3_000);
  assert.equal(puts.length, 1);
  slow.resolve(true);
  await clock.advance(60_000);
  assert.deepEqual(puts[1], { name: 'db', node: 'b', at: 11_000 });
});

test('what is not urgent goes at twenty a second, whatever number waits', async () => {
  const { clock, puts, submit } = beginPuts();
  for (let index = 0; index < 200; index++) submit(`db-${index}`);
  await clock.advance(20_000);
  assert.equal(puts.length, 200);
  for (let second = 0; second < 9; second++) {
    const within = puts.filter(({ at }) => at >= second * 1_000 && at < (second + 1) * 1_000);
    assert.ok(within.length >= 20 && within.length <= 21, `${within.length} in second ${second}`);
  }
});

test('a pause saves up no right to a burst', async () => {
  const { clock, puts, submit } = beginPuts();
  submit('first');
  await clock.advance(600_000);
  for (let index = 0; index < 50; index++) submit(`db-${index}`);
  await clock.advance(0);
  assert.ok(puts.length <= 3, `${puts.length}`);
});

test('what is urgent goes first and without that pace', async () => {
  const { clock, puts, submit } = beginPuts();
  for (let index = 0; index < 50; index++) submit(`routine-${index}`);
  for (let index = 0; index < 50; index++) submit(`urgent-${index}`, 'a', 'urgent');
  await clock.advance(0);
  const written = puts.map(({ name }) => name.split('-')[0]);
  assert.equal(written.filter((kind) => kind === 'urgent').length, 50);
  assert.ok(written.filter((kind) => kind === 'routine').length <= 2);
});

test('namespaces take turns: one with thousands does not hold up another', async () => {
  const { clock, puts, answers, writer } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  for (let index = 0; index < STATUS_PACE.concurrency; index++) answers.push(() => slow.promise);
  for (let index = 0; index < 1_000; index++)
    writer.submit(resourceOf({ namespace: 'noisy', name: `many-${index}` }), { node: 'a' }, 'urgent');
  writer.submit(resourceOf({ namespace: 'quiet', name: 'one' }), { node: 'a' }, 'urgent');
  slow.resolve(true);
  await clock.advance(0);
  const place = puts.findIndex(({ name }) => name === 'one') - STATUS_PACE.concurrency;
  assert.ok(place >= 0 && place <= 1, `written as number ${place}`);
});

test('what nobody waits for has its turn too, however much is urgent', async () => {
  const { clock, puts, answers, submit } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  for (let index = 0; index < STATUS_PACE.concurrency; index++) answers.push(() => slow.promise);
  for (let index = 0; index < 1_000; index++) submit(`urgent-${index}`, 'a', 'urgent');
  submit('routine');
  slow.resolve(true);
  await clock.advance(0);
  const place = puts.findIndex(({ name }) => name === 'routine') - STATUS_PACE.concurrency;
  assert.ok(place >= 0 && place <= 8, `written as number ${place}`);
});

test('a routine status becomes urgent with one that is, and stays so', async () => {
  const { clock, puts, answers, submit } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  for (let index = 0; index < STATUS_PACE.concurrency; index++) {
    answers.push(() => slow.promise);
    submit(`slow-${index}`, 'a', 'urgent');
  }
  for (let index = 0; index < 50; index++) submit(`routine-${index}`);
  submit('routine-40', 'b', 'urgent');
  submit('routine-40', 'c');
  slow.resolve(true);
  await clock.advance(0);
  const { name, node } = puts[STATUS_PACE.concurrency]!;
  assert.deepEqual([name, node], ['routine-40', 'c']);
});

test('so many are under way at a time and no more', async () => {
  const { clock, puts, answers, submit } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  for (let index = 0; index < 100; index++) answers.push(() => slow.promise);
  for (let index = 0; index < 20; index++) submit(`db-${index}`, 'a', 'urgent');
  await clock.advance(10_000);
  assert.equal(puts.length, STATUS_PACE.concurrency);
  slow.resolve(true);
  await clock.advance(10_000);
  assert.equal(puts.length, 20);
});

test('a write that fails is tried again, slower each time', async () => {
  const { clock, puts, results, answers, submit } = beginPuts();
  answers.push(fails, fails, fails);
  submit('db');
  await clock.advance(600_000);
  assert.deepEqual(results, ['failed', 'failed', 'failed', 'written']);
  for (const [index, { at }] of puts.entries()) if (index > 0) assert.ok(at - puts[index - 1]!.at >= 5_000);
});

test('after a write that failed the newest is tried', async () => {
  const { clock, puts, answers, submit } = beginPuts();
  answers.push(fails);
  submit('db', 'a');
  await clock.advance(100);
  submit('db', 'b');
  await clock.advance(600_000);
  assert.deepEqual(
    puts.map(({ node }) => node),
    ['a', 'b'],
  );
});

test('the status of a resource that is gone is not tried again', async () => {
  const { clock, puts, results, answers, submit } = beginPuts();
  answers.push(async () => false);
  submit('db');
  await clock.advance(600_000);
  assert.deepEqual([puts.length, results], [1, ['gone']]);
});
