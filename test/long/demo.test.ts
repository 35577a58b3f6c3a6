import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterKind } from '../cluster.ts';
import { DemoProcess } from '../scripts/demo-process.ts';

test('the demo plays to its end, and leaves nothing behind', { timeout: 240_000 }, async () => {
  await using demo = await DemoProcess.start(...(clusterKind() === 'real' ? ['--envtest'] : []));
  assert.equal(await demo.exited(), 0, demo.output);
  assert.match(demo.output, /Every step was seen to happen, in \d+ s\.\n$/);
  assert.deepEqual(await demo.leftOver(), []);
});
