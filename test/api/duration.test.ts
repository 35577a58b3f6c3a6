import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatDuration, parseDuration } from '../../agent/api/duration.ts';

test('durations of Go read as milliseconds', () => {
  const cases: Record<string, number> = {
    '0': 0,
    '0s': 0,
    '90s': 90_000,
    '1h30m': 5_400_000,
    '1.5s': 1500,
    '.5s': 500,
    '1.s': 1000,
    '300ms': 300,
    '1us': 0.001,
    '1µs': 0.001,
    '1ns': 1e-6,
    '720h': 2_592_000_000,
    '1m1m': 120_000,
    '1.1s': 1100,
    '0.3s': 300,
  };
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text);
});

test('what is no duration is refused without repeating it', () => {
  for (const text of [
    '',
    '1',
    '-1s',
    '+1s',
    '1d',
    '1 h',
    's',
    '.s',
    '1h ',
    ' 1h',
    '1hs',
    '1h30',
    '1e3s',
    '٣s',
    'geheim',
    '0h0',
  ]) {
    assert.throws(
      () => parseDuration(text),
      (error: Error) => error instanceof RangeError && !error.message.includes('geheim'),
      text,
    );
  }
});

test('a formatted duration reads back as what it was', () => {
  assert.deepEqual([0, 250, 1500, 90_000, 3_600_000, 5_400_000, 3_601_000].map(formatDuration), [
    '0s',
    '250ms',
    '1.5s',
    '1m30s',
    '1h',
    '1h30m',
    '1h1s',
  ]);
  fc.assert(
    fc.property(fc.nat({ max: 400 * 24 * 3600_000 }), (ms) => parseDuration(formatDuration(ms)) === ms),
  );
});
