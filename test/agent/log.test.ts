import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, LOG_LEVELS, type LogLevel } from '../../agent/log.ts';

function capture(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(level, { node: 'node-1' }, { write: (line) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

test('a line is JSON with level, time, message, what every line has, and its own fields', () => {
  const { log, lines } = capture('info');
  log.warn('Safe is away', { safeURL: 'https://safe', attempt: 2 });
  const { time, ...rest } = lines[0]!;
  assert.deepEqual(rest, {
    level: 'warn',
    node: 'node-1',
    safeURL: 'https://safe',
    attempt: 2,
    msg: 'Safe is away',
  });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

const METHODS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
for (const level of LOG_LEVELS) {
  test(`at level ${level} nothing less grave is written`, () => {
    const { log, lines } = capture(level);
    for (const method of METHODS) log[method]('said');
    const written = METHODS.slice(0, LOG_LEVELS.indexOf(level));
    assert.deepEqual(
      lines.map((line) => line['level']),
      written,
    );
  });
}

test('a child adds its fields to each line and leaves its parent as it was', () => {
  const { log, lines } = capture('info');
  log.child({ component: 'safe' }).info('from the child', { count: 1 });
  log.info('from the parent');
  assert.deepEqual([lines[0]!['component'], lines[0]!['count'], lines[0]!['node']], ['safe', 1, 'node-1']);
  assert.equal(lines[1]!['component'], undefined);
});

test('one line stays one line, whatever stands in a field or a message', () => {
  const raw: string[] = [];
  const log = createLog('info', {}, { write: (line) => raw.push(line) });
  log.info('with %s %d %o', { name: 'a\nb\u2028c"\u0007', namespace: '%s' });
  assert.equal(raw.length, 1);
  assert.equal(raw[0]!.trimEnd().split('\n').length, 1);
  const line = JSON.parse(raw[0]!);
  assert.equal(line.name, 'a\nb\u2028c"\u0007');
  assert.equal(line.msg, 'with %s %d %o');
});
