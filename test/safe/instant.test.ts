import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInstant } from '../../agent/safe/instant.ts';

const cases: [string, bigint | undefined][] = [
  ['1970-01-01T00:00:00Z', 0n],
  ['1970-01-01T00:00:00.000000001Z', 1n],
  ['1969-12-31T23:59:59.9Z', -100_000_000n],
  ['2026-11-23T23:24:27.34450133Z', 1_795_476_267_344_501_330n],
  ['2020-01-01T00:00:00+05:30', 1_577_817_000_000_000_000n],
  ['2020-01-01T00:00:00-01:00', 1_577_840_400_000_000_000n],
  ['2031-01-01T00:00:00.5Z', 1_924_992_000_500_000_000n],
  ['9999-12-31T23:59:59.999999999Z', 253_402_300_799_999_999_999n],
  ['0000-01-01T00:00:00Z', -62_167_219_200_000_000_000n],
  ['0050-03-01T00:00:00Z', -60_584_198_400_000_000_000n],
  ['2024-02-29T12:00:00Z', 1_709_208_000_000_000_000n],
  ['2023-02-29T12:00:00Z', undefined],
  ['2023-13-01T00:00:00Z', undefined],
  ['2023-01-01T24:00:00Z', undefined],
  ['2023-01-01T00:60:00Z', undefined],
  ['2016-12-31T23:59:60Z', undefined],
  ['2023-01-01T00:00:00+24:00', undefined],
  ['2023-01-01T00:00:00+00:60', undefined],
  ['2023-01-01T00:00:00.0123456789Z', undefined],
  ['2023-01-01T00:00:00.Z', undefined],
  ['2023-01-01T00:00:00', undefined],
  ['2023-01-01 00:00:00Z', undefined],
  ['2023-01-01t00:00:00z', undefined],
  [' 2023-01-01T00:00:00Z', undefined],
  ['"2026-11-23T23:20:56Z"', undefined],
  ['never', undefined],
  ['', undefined],
];

for (const [text, nanos] of cases) {
  test(`${JSON.stringify(text)} is ${nanos ?? 'no instant'}`, () => assert.equal(parseInstant(text), nanos));
}
