import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './bench.ts';
import { specText } from './objects.ts';

const MANY = 10_000;
const MINUTE = 60_000;

/** Ten thousand resources over 50 namespaces, ten to each of a thousand secrets, all synced. */
async function many(): Promise<Bench> {
  const bench = new Bench();
  for (let index = 0; index < MANY / 10; index++) bench.safe.register(`secret-${index}`, { password: 'one' });
  for (let index = 0; index < MANY; index++) {
    const namespace = `team-${index % 50}`;
    const ref = `secret-${index % (MANY / 10)}.password`;
    const spec = specText({ data: [{ key: 'password', ref }] });
    bench.put(`db-${index}`, { namespace, uid: `uid-${index}`, spec });
  }
  await bench.pass(MINUTE);
  assert.equal(bench.secrets.writes.length, MANY);
  assert.equal(bench.puts.length, MANY);
  return bench;
}

test('ten thousand resources on an unchanged answer cost no look, no write and no status', async () => {
  const bench = await many();
  const counts = (): number[] => [
    bench.reconciled.length,
    bench.secrets.calls.length,
    bench.puts.length,
    bench.events.length,
    bench.lines.length,
  ];
  const [before, requests] = [counts(), bench.safe.requests.length];
  await bench.pass(10 * MINUTE);
  assert.deepEqual(counts(), before);
  assert.equal(bench.safe.requests.length - requests, 60);

  bench.safe.register('secret-7', { password: 'two' });
  await bench.pass(11_000);
  const written = bench.secrets.writes.slice(MANY).map(({ name }) => name);
  assert.deepEqual(
    written.sort(),
    Array.from({ length: 10 }, (_, index) => `db-${index * 1_000 + 7}`).sort(),
  );
  assert.equal(bench.reconciled.length - before[0]!, 20); // once for the value, once for the watch that shows the write
});
