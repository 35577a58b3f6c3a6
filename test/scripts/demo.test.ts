import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from '../../scripts/demo/arguments.ts';
import { describeSecret } from '../../scripts/demo/describe-secret.ts';
import { Narrator } from '../../scripts/demo/narrator.ts';
import { viewOf } from '../../scripts/demo/pod-view.ts';
import { readWorkflow } from '../../scripts/demo/readme.ts';
import { resourceTable } from '../../scripts/demo/resource-table.ts';
import { SecretWatch } from '../../scripts/demo/secret-watch.ts';
import { wrap } from '../../scripts/demo/wrap.ts';
import { startCluster } from '../cluster.ts';
import { DemoProcess } from './demo-process.ts';

test('flags are known, or an error', () => {
  assert.deepEqual(parseArguments([]), { envtest: false, keep: false, help: false });
  assert.deepEqual(parseArguments(['--keep', '--envtest']), { envtest: true, keep: true, help: false });
  assert.throws(() => parseArguments(['--fast']), /"--fast"/);
});

for (const [when, text] of [
  ['while the agents start', 'kubectl apply -f daemonset'],
  ['under way', 'UnnamedSecret'],
] as const) {
  test(`interrupted ${when}, the demo leaves neither processes nor files behind and exits with 130`, async () => {
    await using demo = await DemoProcess.start();
    await demo.whenPrinted(text);
    demo.child.kill('SIGINT');
    assert.equal(await demo.exited(), 130);
    assert.match(demo.output, /Interrupted/);
    assert.deepEqual(await demo.leftOver(), []);
    assert.deepEqual(await demo.processes(), []);
  });
}

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
    resourceTable(definition, [ready, fresh], { now }),
    ['NAMESPACE   NAME   READY   SYNCED', 'shop        a      True    3m5s', 'billing     b'].join('\n'),
  );
  assert.equal(
    resourceTable(definition, [ready, fresh], { allNamespaces: false, now }),
    ['NAME   READY   SYNCED', 'a      True    3m5s', 'b'].join('\n'),
  );
});

test('a Secret is described without its values', () => {
  const data = { password: Buffer.from('hunter2').toString('base64') };
  const labels = { b: '2', a: '1' };
  const metadata = { namespace: 'shop', name: 's', uid: 'u', resourceVersion: '1', labels };
  const text = describeSecret({ metadata, type: 'Opaque', data });
  assert.match(text, /^Labels: {7}a=1\n {14}b=2$/m);
  assert.match(text, /^Annotations: {2}<none>$/m);
  assert.match(text, /^password: {2}7 bytes$/m);
  assert.doesNotMatch(text, /hunter2|aHVudGVyMg/);
});

test('a pod finds in its variables and files what its Secrets hold', async () => {
  const { pod } = await readWorkflow();
  const data = {
    username: Buffer.from('root').toString('base64'),
    password: Buffer.from('x').toString('base64'),
  };
  const metadata = { namespace: 'shop', name: 'database-credentials', uid: 'u', resourceVersion: '1' };
  const secret = (name: string) =>
    name === metadata.name
      ? Promise.resolve({ metadata, type: 'Opaque', data })
      : Promise.reject(new Error(`no ${name}`));
  assert.deepEqual(await viewOf(pod, secret), {
    env: { DATABASE_USERNAME: 'root' },
    files: { '/etc/database/password': 'x', '/etc/database/username': 'root' },
  });
  const without = async (name: string) => ({ ...(await secret(name)), data: { password: data.password } });
  await assert.rejects(viewOf(pod, without), /database-credentials has no key username/);
});

test('a Secret that was away for a moment is noticed', async () => {
  const cluster = await startCluster({ kind: 'dev' });
  try {
    const { admin } = cluster;
    const secret = (name: string, value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      data: { value },
    });
    for (const name of ['a', 'b']) await cluster.apply(secret(name, 'YQ=='), 'default');
    const calm = await SecretWatch.begin(admin);
    const [changed] = await cluster.apply(secret('a', 'Yg=='), 'default');
    assert.equal(await calm.unbroken(changed), 2);
    const storm = await SecretWatch.begin(admin);
    await admin.ok('DELETE', '/api/v1/namespaces/default/secrets/b');
    await cluster.apply(secret('b', 'YQ=='), 'default');
    const [last] = await cluster.apply(secret('a', 'Yw=='), 'default');
    await assert.rejects(storm.unbroken(last), /Secret default\/b was deleted/);
  } finally {
    await cluster.stop();
  }
});

test('prose is wrapped at spaces', () => {
  assert.deepEqual(wrap('one two  three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('a unbreakable b', 5), ['a', 'unbreakable', 'b']);
  assert.deepEqual(wrap('', 5), []);
});
