import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../agent/log.ts';
import { AlikeLines } from '../../agent/report/alike-lines.ts';
import { Schedule } from '../../agent/schedule.ts';
import { FakeClock } from '../fake-clock.ts';

const FAILS = { level: 'warn', message: 'VSecMSecret fails', code: 'RefNotFound' } as const;

function setUp() {
  const clock = new FakeClock();
  const lines: any[] = [];
  const log = createLog('info', {}, { write: (line) => lines.push(JSON.parse(line)) });
  const alike = new AlikeLines({ log, schedule: new Schedule({ clock }), clock });
  return { clock, lines, alike };
}

const own = (name: string) => ({ namespace: 'shop', name, stage: 'resolve', hint: 'register it' });

test('what happens to one resource is its own line, a second later', async () => {
  const { clock, lines, alike } = setUp();
  alike.add('shop/a', FAILS, own('a'));
  await clock.advance(999);
  assert.equal(lines.length, 0);
  await clock.advance(1);
  assert.equal(lines.length, 1);
  const { time: _, ...line } = lines[0];
  assert.deepEqual(line, { level: 'warn', msg: 'VSecMSecret fails', code: 'RefNotFound', ...own('a') });
});

test('what happens to a thousand alike is one line, with their number and the first of their names', async () => {
  const { clock, lines, alike } = setUp();
  for (let index = 0; index < 1_000; index++) {
    alike.add(`ns-${index % 7}/r${index}`, FAILS, own(`r${index}`));
    if (index % 100 === 0) await clock.advance(200);
  }
  await clock.advance(10_000);
  assert.equal(lines.length, 1);
  assert.equal(lines[0].resources, 1_000);
  assert.equal(lines[0].namespaces, 7);
  assert.equal(lines[0].names.length, 50);
  assert.equal(lines[0].names[0], 'ns-0/r0');
  assert.equal(lines[0].stage, 'resolve');
  assert.match(lines[0].hint, /Compare the ref/);
  assert.equal(lines[0].name, undefined);
});

test('a burst that does not end is told every ten seconds', async () => {
  const { clock, lines, alike } = setUp();
  for (let ms = 0; ms < 24_000; ms += 500) {
    alike.add(`shop/r${ms}`, FAILS, own(`r${ms}`));
    await clock.advance(500);
  }
  assert.deepEqual(
    lines.map(({ resources }) => resources),
    [20, 20],
  );
});

test('other codes and other messages are other lines', async () => {
  const { clock, lines, alike } = setUp();
  alike.add('shop/a', FAILS, own('a'));
  alike.add('shop/b', { ...FAILS, code: 'NotGranted' }, own('b'));
  alike.add('shop/c', { level: 'info', message: 'VSecMSecret recovered', code: 'RefNotFound' }, own('c'));
  await clock.advance(1_000);
  assert.deepEqual(lines.map(({ level, msg, code, name }) => `${name} ${level} ${msg} ${code}`).toSorted(), [
    'a warn VSecMSecret fails RefNotFound',
    'b warn VSecMSecret fails NotGranted',
    'c info VSecMSecret recovered RefNotFound',
  ]);
});

test('of several recoveries the longest failure is told', async () => {
  const { clock, lines, alike } = setUp();
  const recovered = { level: 'info', message: 'VSecMSecret recovered', code: 'RefNotFound' } as const;
  alike.add('shop/a', recovered, { durationSeconds: 5 });
  alike.add('shop/b', recovered, { durationSeconds: 65 });
  await clock.advance(1_000);
  assert.equal(lines[0].durationSeconds, 65);
  assert.equal(lines[0].hint, undefined);
});

test('at the end of a duty nothing stays untold', async () => {
  const { clock, lines, alike } = setUp();
  alike.add('shop/a', FAILS, own('a'));
  alike.flush();
  assert.equal(lines.length, 1);
  await clock.advance(10_000);
  assert.equal(lines.length, 1);
});
