import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginPuts, fails } from './status-puts.ts';

test('a flush with nothing to write ends at once', async () => {
  await beginPuts().writer.flush();
});

test('a flush writes all that waits, without regard to pace', async () => {
  const { writer, puts, submit } = beginPuts();
  for (let index = 0; index < 100; index++) submit(`db-${index}`, 'a');
  submit('db-0', 'b');
  await writer.flush();
  assert.equal(puts.length, 101);
  assert.equal(puts.filter(({ name, node }) => name === 'db-0' && node === 'b').length, 1);
  assert.equal(writer.size, 0);
});

test('a flush waits for what is under way and writes what came meanwhile', async () => {
  const slow = Promise.withResolvers<boolean>();
  const { clock, writer, puts, answers, submit } = beginPuts();
  answers.push(() => slow.promise);
  submit('db', 'a');
  await clock.advance(0);
  submit('db', 'b');
  let ended = false;
  const flushing = writer.flush().then(() => (ended = true));
  await clock.advance(0);
  assert.equal(ended, false);
  slow.resolve(true);
  await flushing;
  assert.deepEqual(
    puts.map(({ node }) => node),
    ['a', 'b'],
  );
});

test('a flush tries each once and ends, although nothing can be written', async () => {
  const { writer, puts, answers, submit } = beginPuts();
  answers.push(...Array.from({ length: 200 }, () => fails));
  for (let index = 0; index < 30; index++) submit(`db-${index}`, 'a');
  await writer.flush();
  assert.ok(puts.length <= 33, `${puts.length}`);
  assert.equal(new Set(puts.map(({ name }) => name)).size, 30);
});

test('what is forgotten is not written, wherever it waits', async () => {
  const { clock, schedule, writer, puts, submit } = beginPuts();
  submit('db', 'a');
  for (let index = 0; index < 5; index++) submit(`routine-${index}`);
  await clock.advance(0);
  submit('db', 'b');
  for (const name of ['db', 'routine-3', 'routine-4']) writer.forget(`team-a/${name}`);
  await clock.advance(600_000);
  assert.deepEqual(
    puts.map(({ name }) => name),
    ['db', 'routine-0', 'routine-1', 'routine-2'],
  );
  assert.deepEqual([writer.size, schedule.size], [0, 0]);
});

test('a write that fails after its resource was forgotten is not tried again', async () => {
  const { clock, writer, puts, answers, submit } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  answers.push(() => slow.promise);
  submit('db');
  await clock.advance(0);
  writer.forget('team-a/db');
  slow.reject(new Error('no'));
  await clock.advance(600_000);
  assert.deepEqual([puts.length, writer.size], [1, 0]);
});

test('a resource that comes back while its last write is under way is written anew', async () => {
  const { clock, writer, puts, answers, submit } = beginPuts();
  const slow = Promise.withResolvers<boolean>();
  answers.push(() => slow.promise);
  submit('db', 'a');
  await clock.advance(0);
  writer.forget('team-a/db');
  submit('db', 'b');
  slow.reject(new Error('no'));
  await clock.advance(600_000);
  assert.deepEqual(
    puts.map(({ node }) => node),
    ['a', 'b'],
  );
});
