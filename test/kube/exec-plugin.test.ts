import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../agent/clock.ts';
import { Access, type AccessOptions } from '../../agent/kube/access.ts';
import { KubeClient } from '../../agent/kube/client.ts';
import { KubeError } from '../../agent/kube/error.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { FakeClock } from '../fake-clock.ts';
import { folder, Wire, writeConfig } from './wire.ts';

const V1 = 'client.authentication.k8s.io/v1';
const printed = (status: object, more: object = {}): string =>
  JSON.stringify({ apiVersion: V1, kind: 'ExecCredential', status, ...more });
const print = (status: object): string => `printf '%s' '${printed(status)}'`;

/** A kubeconfig whose user is what the command `print` beside it prints. */
async function withCommand(
  t: TestContext,
  script: string,
  exec: object = {},
  server = 'https://it',
): Promise<{ dir: string; kubeconfig: string; write: (script: string) => Promise<void> }> {
  const dir = await folder(t);
  const write = async (text: string): Promise<void> => {
    await writeFile(join(dir, 'print'), `#!/bin/sh\ncd ${dir}\n${text}\n`);
    await chmod(join(dir, 'print'), 0o700);
  };
  await write(script);
  const user = { exec: { apiVersion: V1, command: './print', interactiveMode: 'Never', ...exec } };
  return { dir, kubeconfig: await writeConfig(dir, { server }, user), write };
}

const load = (kubeconfig: string, more: Partial<AccessOptions> = {}): Promise<Access> =>
  Access.load({
    kubeconfig,
    clock: systemClock,
    environment: { PATH: process.env['PATH'], PASSED: 'on' },
    ...more,
  });

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof KubeError, inspect(error));
  assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /s3cr3t/);
  return error.code;
}

suite('a command of a kubeconfig', () => {
  test('is relative to its file, inherits the environment, and is told what kubectl tells it', async (t) => {
    const { dir, kubeconfig } = await withCommand(
      t,
      `printf '%s' "$KUBERNETES_EXEC_INFO" > info; printf '%s' "$PASSED $MORE $*" > said; ${print({ token: 'tok' })}`,
      { args: ['--for', 'it'], env: [{ name: 'MORE', value: 'too' }], provideClusterInfo: true },
    );
    assert.deepEqual((await (await load(kubeconfig)).credentials()).headers, { authorization: 'Bearer tok' });
    assert.equal(await readFile(join(dir, 'said'), 'utf8'), 'on too --for it');
    assert.deepEqual(JSON.parse(await readFile(join(dir, 'info'), 'utf8')), {
      apiVersion: V1,
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: 'https://it' } },
    });
  });

  test('may print a certificate and its key', async (t) => {
    const { kubeconfig } = await withCommand(
      t,
      print({ clientCertificateData: 'cert', clientKeyData: 's3cr3t key' }),
    );
    const { headers, tls } = await (await load(kubeconfig)).credentials();
    assert.deepEqual([headers, tls.cert, tls.key], [{}, 'cert', 's3cr3t key']);
  });

  test('is run again when what it printed has expired', async (t) => {
    const clock = new FakeClock();
    const until = new Date(clock.wall() + 120_000).toISOString();
    const { kubeconfig, write } = await withCommand(t, print({ token: 'one', expirationTimestamp: until }));
    const access = await load(kubeconfig, { clock });
    await write(print({ token: 'two' }));
    const token = async (): Promise<string | string[] | undefined> =>
      (await access.credentials()).headers['authorization'];
    clock.jump(90_000);
    assert.equal(await token(), 'Bearer one');
    clock.jump(61_000);
    assert.equal(await token(), 'Bearer two');
  });

  for (const [what, script, code, exec] of [
    ['that fails', 'exit 255', 'ExecFailed'],
    ['that is not there', '', 'ExecNotFound', { command: './absent' }],
    ['that prints something else', `printf 's3cr3t'`, 'ExecMalformed'],
    ['that prints nothing to use', print({}), 'ExecMalformed'],
    [
      'that prints another version',
      print({ token: 's3cr3t' }),
      'ExecMalformed',
      { apiVersion: `${V1}beta1` },
    ],
    ['that needs a terminal where there is none', '', 'ExecNeedsTerminal', { interactiveMode: 'Always' }],
    ['of an API version that nobody knows', '', 'KubeconfigInvalid', { apiVersion: 'v7' }],
  ] as [string, string, string, object?][])
    test(`${what} is told as ${code}`, async (t) => {
      const { kubeconfig } = await withCommand(t, script, exec);
      assert.equal(await codeOf(load(kubeconfig)), code);
    });

  test('that hangs is ended with who waits for it', async (t) => {
    const { dir, kubeconfig } = await withCommand(t, 'echo $$ > pid; exec sleep 300');
    const stop = new AbortController();
    const loading = codeOf(load(kubeconfig, { signal: stop.signal }));
    const pid = async (): Promise<number> => {
      for (;;) {
        const text = await readFile(join(dir, 'pid'), 'utf8').catch(() => '');
        if (text.endsWith('\n')) return Number(text);
      }
    };
    const child = await pid();
    stop.abort();
    assert.equal(await loading, 'Aborted');
    await assert.rejects(
      async () => {
        for (;;) {
          process.kill(child, 0);
          await new Promise(setImmediate);
        }
      },
      { code: 'ESRCH' },
    );
  });

  test('that hangs after a 401 holds up no request beyond its deadline, nor one that is abandoned', async (t) => {
    const wire = await Wire.start(t);
    const { kubeconfig, write } = await withCommand(
      t,
      print({ token: 'one' }),
      {},
      `http://127.0.0.1:${wire.port}`,
    );
    const end = new AbortController();
    t.after(() => end.abort());
    const environment = { PATH: process.env['PATH'] };
    const client = await KubeClient.load({
      kubeconfig,
      metrics: createMetrics(),
      environment,
      signal: end.signal,
    });
    t.after(() => client.close());
    await write('exec sleep 300');
    const stop = new AbortController();
    const late = codeOf(client.request({ method: 'GET', path: '/late', timeoutMs: 300 }));
    (await wire.next()).status(401, 'Unauthorized');
    const abandoned = codeOf(client.request({ method: 'GET', path: '/abandoned', signal: stop.signal }));
    (await wire.next()).status(401, 'Unauthorized');
    assert.equal(await late, 'Timeout');
    stop.abort();
    assert.equal(await abandoned, 'Aborted');
  });
});

suite('what a kubeconfig demands and this client does not do', () => {
  for (const user of [{ 'as-groups': ['readers'] }, { 'as-uid': '7' }, { 'as-user-extra': { a: ['b'] } }])
    test(`is refused: ${Object.keys(user).join()}`, async (t) => {
      const kubeconfig = await writeConfig(
        await folder(t),
        { server: 'https://it' },
        { token: 't', as: 'me', ...user },
      );
      assert.equal(await codeOf(load(kubeconfig)), 'KubeconfigInvalid');
    });

  for (const empty of ['ca.crt', 'token'])
    test(`is not left out: an empty file ${empty} is one that cannot be read`, async (t) => {
      const dir = await folder(t);
      for (const name of ['ca.crt', 'token']) await writeFile(join(dir, name), name === empty ? '\n' : 'x');
      const inPod = { serviceAccountFolder: dir, clock: systemClock };
      assert.equal(await codeOf(Access.load(inPod)), 'KubeconfigUnreadable');
    });
});
