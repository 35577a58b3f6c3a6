import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, type Code } from '../../agent/api/reasons.ts';
import { createLog } from '../../agent/log.ts';
import { Reminder } from '../../agent/report/reminder.ts';
import type { Subject } from '../../agent/report/subject.ts';
import { Schedule } from '../../agent/schedule.ts';
import { FakeClock } from '../fake-clock.ts';

const EVERY_MS = 300_000;

function setUp() {
  const clock = new FakeClock();
  const lines: any[] = [];
  const log = createLog('info', {}, { write: (line) => lines.push(JSON.parse(line)) });
  const subjects = new Map<string, Subject>();
  new Reminder({ subjects, schedule: new Schedule({ clock }), clock, log, everyMs: EVERY_MS }).start();
  const fail = (key: string, code: Code): void => {
    const failure = new Failure(code, 'message');
    const since = new Date(clock.wall()).toISOString();
    const { stage } = failure;
    subjects.set(key, {
      key,
      facts: { told: { failure, status: { failure: { stage, code, message: 'message', hint: '', since } } } },
    } as Subject);
  };
  return { clock, lines, subjects, fail };
}

test('failures that last are one line for each code, with how many and since when, until they end', async () => {
  const { clock, lines, subjects, fail } = setUp();
  fail('a/one', 'RefNotFound');
  await clock.advance(1_000);
  fail('a/two', 'RefNotFound');
  fail('b/three', 'TargetConflict');
  await clock.advance(EVERY_MS);
  // The last reminder came when only one had lasted as long as an interval.
  assert.deepEqual(
    lines.map(({ code, resources }) => [code, resources]),
    [['RefNotFound', 1]],
  );
  assert.deepEqual([lines[0].namespace, lines[0].name], ['a', 'one']);
  assert.match(lines[0].hint, /safe -w/);
  await clock.advance(EVERY_MS);
  assert.deepEqual(
    lines
      .slice(1)
      .map(({ msg, stage, code, resources, namespaces, since }) => [
        msg,
        stage,
        code,
        resources,
        namespaces,
        since,
      ]),
    [
      ['VSecMSecrets still fail', 'resolve', 'RefNotFound', 2, 1, lines[0].since],
      [
        'VSecMSecrets still fail',
        'write',
        'TargetConflict',
        1,
        1,
        new Date(Date.parse(lines[0].since) + 1_000).toISOString(),
      ],
    ],
  );
  subjects.clear();
  await clock.advance(EVERY_MS);
  assert.equal(lines.length, 3);
});

test('a Safe that fails reminds of itself', async () => {
  const { clock, lines, fail } = setUp();
  fail('a/one', 'SafeUnreachable');
  await clock.advance(3 * EVERY_MS);
  assert.deepEqual(lines, []);
});
