import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from '../../scripts/demo/arguments.ts';
import { describeSecret } from '../../scripts/demo/describe-secret.ts';
import { Narrator } from '../../scripts/demo/narrator.ts';
import { resourceTable } from '../../scripts/demo/resource-table.ts';
import { wrap } from '../../scripts/demo/wrap.ts';
import { DemoProcess } from './demo-process.ts';

test('flags are known, or an error', () => {
  assert.deepEqual(parseArguments([]), { envtest: false, keep: false, help: false });
  assert.deepEqual(parseArguments(['--keep', '--envtest']), { envtest: true, keep: true, help: false });
  assert.throws(() => parseArguments(['--fast']), /"--fast"/);
});

test('interrupted, the demo leaves neither processes nor files behind and exits with 130', async () => {
  await using demo = await DemoProcess.start();
  await demo.whenPrinted('UnnamedSecret');
  demo.child.kill('SIGINT');
  assert.equal(await demo.exited(), 130);
  assert.match(demo.output, /Interrupted/);
  assert.deepEqual(await demo.leftOver(), []);
});

test('the demo that an unknown flag is given to says so and exits with 2', async () => {
  await using demo = await DemoProcess.start('--fast');
  assert.equal(await demo.exited(), 2);
  assert.match(demo.output, /unknown argument "--fast"/);
});

test('what did not happen is said, and nothing after the end', async () => {
  let text = '';
  const tell = new Narrator({ write: (piece: string) => (text += piece) });
  assert.equal(await tell.witness('this happens', Promise.resolve(1)), 1);
  await assert.rejects(tell.witness('this does not', Promise.reject(new Error('no'))), /no/);
  tell.hush();
  tell.say('anybody there?');
  assert.match(text, /^ {3}✓ this happens +\d+ ms\n {3}✗ this does not\n$/);
});

test('resources are listed by the columns that the CRD declares', () => {
  const additionalPrinterColumns = [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Synced', type: 'date', jsonPath: '.status.lastSyncTime' },
    { name: 'Message', type: 'string', jsonPath: '.status.failure.message', priority: 1 },
  ];
  const ready = {
    metadata: { namespace: 'shop', name: 'a' },
    status: { conditions: [{ type: 'Ready', status: 'True' }], lastSyncTime: '2026-01-01T00:00:00Z' },
  };
  const fresh = { metadata: { namespace: 'billing', name: 'b' } };
  const definition = { spec: { versions: [{ storage: true, additionalPrinterColumns }] } };
  const now = Date.parse('2026-01-01T00:03:05Z');
  assert.equal(
    resourceTable(definition, [ready, fresh], now),
    ['NAMESPACE   NAME   READY   SYNCED', 'shop        a      True    3m5s', 'billing     b'].join('\n'),
  );
});

test('a Secret is described without its values', () => {
  const data = { password: Buffer.from('hunter2').toString('base64') };
  const metadata = { namespace: 'shop', name: 's', labels: { b: '2', a: '1' } };
  const text = describeSecret({ metadata, type: 'Opaque', data });
  assert.match(text, /^Labels: {7}a=1\n {14}b=2$/m);
  assert.match(text, /^Annotations: {2}<none>$/m);
  assert.match(text, /^password: {2}7 bytes$/m);
  assert.doesNotMatch(text, /hunter2|aHVudGVyMg/);
});

test('prose is wrapped at spaces', () => {
  assert.deepEqual(wrap('one two  three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('a unbreakable b', 5), ['a', 'unbreakable', 'b']);
  assert.deepEqual(wrap('', 5), []);
});
