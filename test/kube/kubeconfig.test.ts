import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../agent/clock.ts';
import { Access } from '../../agent/kube/access.ts';
import { KubeError } from '../../agent/kube/error.ts';
import { folder, writeConfig } from './wire.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const load = (kubeconfig: string): Promise<Access> => Access.load({ kubeconfig, clock: systemClock });

test('in a pod the ServiceAccount that is mounted there is used', async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, 'ca.crt'), 'the CA');
  await writeFile(join(dir, 'token'), 'the token');
  const access = await Access.load({
    serviceAccountFolder: dir,
    host: 'fd00::1',
    port: '6443',
    clock: systemClock,
  });
  assert.equal(access.server, 'https://[fd00::1]:6443');
  assert.deepEqual(await access.credentials(), {
    headers: { authorization: 'Bearer the token' },
    tls: { ca: 'the CA', rejectUnauthorized: true },
  });
  const named = await Access.load({ serviceAccountFolder: dir, clock: systemClock });
  assert.equal(named.server, 'https://kubernetes.default.svc:443');
});

test('a kubeconfig may hold its material or name files beside it', async (t) => {
  const dir = await folder(t);
  await mkdir(join(dir, 'pki'));
  await writeFile(join(dir, 'pki', 'key'), 'the key');
  const file = await writeConfig(
    dir,
    {
      server: 'https://it:1/',
      'certificate-authority-data': base64('the CA'),
      'tls-server-name': 'it.example',
    },
    { 'client-certificate-data': base64('the cert'), 'client-key': 'pki/key', as: 'somebody' },
  );
  const access = await load(file);
  assert.equal(access.server, 'https://it:1');
  assert.deepEqual(await access.credentials(), {
    headers: { 'impersonate-user': 'somebody' },
    tls: {
      ca: 'the CA',
      cert: 'the cert',
      key: 'the key',
      servername: 'it.example',
      rejectUnauthorized: true,
    },
  });
});

test('a kubeconfig may name a command that prints the token', async (t) => {
  const dir = await folder(t);
  const command = join(dir, 'print');
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'printed' },
  };
  await writeFile(
    command,
    `#!/bin/sh\necho run >> ${join(dir, 'runs')}\nprintf '%s' '${JSON.stringify(credential)}'\n`,
  );
  await chmod(command, 0o700);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' };
  const access = await load(await writeConfig(dir, { server: 'https://it' }, { exec }));
  assert.deepEqual((await access.credentials()).headers, { authorization: 'Bearer printed' });
  await writeFile(command, (await readFile(command, 'utf8')).replace('printed', 'again'));
  assert.deepEqual((await access.credentials()).headers, { authorization: 'Bearer printed' });
  assert.deepEqual((await access.credentials(true)).headers, { authorization: 'Bearer again' });
});

const SERVER = { server: 'https://it' };
const unusable: [string, object | string, object?][] = [
  ['no YAML', 'users: [{name: me, user: {token: s3cr3t'],
  ['no mapping', '"s3cr3t"'],
  [
    'a context without a cluster',
    'current-context: here\ncontexts: [{name: here, context: {cluster: gone}}]',
  ],
  ['a proxy', { ...SERVER, 'proxy-url': 'http://s3cr3t@proxy' }],
  ['a password', SERVER, { username: 'me', password: 's3cr3t' }],
  ['an auth-provider', SERVER, { 'auth-provider': { name: 'gcp', config: { key: 's3cr3t' } } }],
];
for (const [what, cluster, user] of unusable) {
  test(`a kubeconfig with ${what} is refused, and nothing of it is said`, async (t) => {
    const dir = await folder(t);
    const file =
      typeof cluster === 'string' ? join(dir, 'kubeconfig') : await writeConfig(dir, cluster, user);
    if (typeof cluster === 'string') await writeFile(file, cluster);
    await assert.rejects(load(file), (error) => {
      assert.ok(error instanceof KubeError);
      assert.equal(error.code, 'KubeconfigInvalid');
      assert.doesNotMatch(inspect(error), /s3cr3t/);
      return true;
    });
  });
}

test('of several files the first that has a name decides, and paths belong to their file', async (t) => {
  const [one, two] = [await folder(t), await folder(t)];
  const first = join(one, 'kubeconfig');
  const second = join(two, 'kubeconfig');
  const contexts = [
    { name: 'here', context: { cluster: 'a', user: 'me', namespace: 'team-a' } },
    { name: 'there', context: { cluster: 'b', user: 'you' } },
  ];
  await writeFile(
    first,
    JSON.stringify({ contexts, clusters: [{ name: 'a', cluster: { server: 'https://a' } }] }),
  );
  await writeFile(
    second,
    JSON.stringify({
      'current-context': 'here',
      clusters: [
        { name: 'a', cluster: { server: 'https://shadowed' } },
        { name: 'b', cluster: { server: 'https://b' } },
      ],
      users: [
        { name: 'me', user: { token: 'mine' } },
        { name: 'you', user: { tokenFile: 'token' } },
      ],
    }),
  );
  await writeFile(join(two, 'token'), 'yours');
  const kubeconfig = [first, join(one, 'absent'), second];
  const here = await Access.load({ kubeconfig, clock: systemClock });
  assert.deepEqual([here.server, here.namespace], ['https://a', 'team-a']);
  assert.deepEqual((await here.credentials()).headers, { authorization: 'Bearer mine' });
  const there = await Access.load({ kubeconfig, context: 'there', clock: systemClock });
  assert.deepEqual([there.server, there.namespace], ['https://b', undefined]);
  assert.deepEqual((await there.credentials()).headers, { authorization: 'Bearer yours' });
  await assert.rejects(Access.load({ kubeconfig, context: 'nowhere', clock: systemClock }), {
    code: 'ContextUnknown',
  });
});

test('a file that cannot be read is said to be so', async (t) => {
  const dir = await folder(t);
  await assert.rejects(load(join(dir, 'absent')), { code: 'KubeconfigUnreadable' });
  await assert.rejects(load(await writeConfig(dir, SERVER, { tokenFile: 'absent' })), {
    code: 'KubeconfigUnreadable',
  });
  await assert.rejects(Access.load({ serviceAccountFolder: dir, clock: systemClock }), {
    code: 'KubeconfigUnreadable',
  });
});
