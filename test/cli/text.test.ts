import assert from 'node:assert/strict';
import { test } from 'node:test';
import { span, when } from '../../agent/cli/age.ts';
import { concerns, pretty } from '../../agent/cli/log-line.ts';
import { printable } from '../../agent/api/printable.ts';
import { table } from '../../agent/cli/table.ts';
import { maskedFrame, parseFrame } from '../../agent/cli/websocket-frame.ts';
import { KubeError } from '../../agent/kube/error.ts';

test('a span has at most two units', () => {
  const spans: [number, string][] = [
    [0, '0s'],
    [999, '1s'],
    [61_000, '1m1s'],
    [3_600_000, '1h'],
    [3_601_000, '1h'],
    [90_061_000, '1d1h'],
  ];
  for (const [ms, text] of spans) assert.equal(span(ms), text);
  assert.equal(
    when('2026-01-01T00:00:10Z', Date.parse('2026-01-01T00:00:00Z')),
    '2026-01-01T00:00:10Z (in 10s)',
  );
});

test('no name can move the cursor, forge a line or turn the direction of writing', () => {
  assert.equal(printable('a\u001b[2J\nb\u0085\u2028\u202ec'), 'a\\u001b[2J\\u000ab\\u0085\\u2028\\u202ec');
  assert.equal(table(['NAME'], [['x\ny']]), 'NAME\nx\\u000ay\n');
  assert.equal(
    pretty({ msg: 'm\n', level: 'info', time: 't', hint: 'h\r' }),
    't INFO  m\\u000a\n    h\\u000d\n',
  );
});

test('a line concerns a resource by its name, its Safe, the identity, or a failure of many', () => {
  const interest = { namespace: 'team', name: 'db', safeUrl: 'https://safe:8443/', code: 'NotGranted' };
  const yes = [
    { namespace: 'team', name: 'db' },
    { safeURL: 'https://safe:8443' },
    { stage: 'identity', code: 'NoIdentity' },
    { spiffeID: 's', serial: '1', notAfter: 'n' },
    { names: ['team/db', 'team/other'], resources: 2, code: 'RefNotFound' },
    { names: ['team/a'], resources: 99, code: 'NotGranted' },
    { resources: 3, namespaces: 1, code: 'NotGranted' },
  ];
  const no = [
    { namespace: 'team', name: 'db2' },
    { namespace: 'other', name: 'db' },
    { safeURL: 'https://elsewhere:8443/' },
    { names: ['team/a', 'team/b'], resources: 2, code: 'NotGranted' },
    { resources: 3, code: 'TargetConflict' },
    { members: 3 },
  ];
  for (const line of yes) assert.ok(concerns(line, interest), JSON.stringify(line));
  for (const line of no) assert.ok(!concerns(line, interest), JSON.stringify(line));
});

test('WebSocket frames of each size come apart as they were put together', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    const payload = Buffer.alloc(length, 7);
    const masked = maskedFrame(2, payload);
    const size = length > 0xffff ? 8 : length > 125 ? 2 : 0;
    // As a server sends it: without mask.
    const frame = Buffer.concat([masked.subarray(0, 2 + size), payload]);
    frame[1]! &= 0x7f;
    assert.equal(parseFrame(frame.subarray(0, -1)), undefined);
    const parsed = parseFrame(Buffer.concat([frame, Buffer.from([1])]));
    assert.deepEqual([parsed?.opcode, parsed?.final, parsed?.bytes], [2, true, frame.length]);
    assert.ok(parsed?.payload.equals(payload));
    assert.throws(() => parseFrame(masked), KubeError);
  }
});
