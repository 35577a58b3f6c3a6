import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeConfig } from '../../agent/config.ts';
import { VERSION } from '../../agent/version.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const WHO = { NODE_NAME: 'node-1', POD_NAME: 'pod-1', POD_NAMESPACE: 'vsecm-agent' };

function start(t: TestContext, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close'),
  ]);
  return { code: code as number | null, out, err };
}

/** The environment of an agent whose API server and SPIRE nobody serves. */
async function alone(t: TestContext): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'main-'));
  t.after(() => rm(folder, { recursive: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'none' } }],
    }),
  );
  const socket = `unix://${join(folder, 'nobody.sock')}`;
  const ports = { VSECM_AGENT_HTTP_PORT: '0', VSECM_AGENT_PAGE_PORT: '0' };
  return {
    ...WHO,
    ...ports,
    KUBECONFIG: kubeconfig,
    SPIFFE_ENDPOINT_SOCKET: socket,
    VSECM_AGENT_SERVICE: '',
  };
}

for (const flag of ['--help', '-h'])
  test(`${flag} explains usage and every variable, and exits with 0`, async (t) => {
    const { code, out, err } = await ended(start(t, [flag]));
    assert.deepEqual([code, err], [0, '']);
    assert.ok(out.includes('Usage: vsecm-agent') && out.includes(describeConfig()));
  });

test('--version prints the version alone', async (t) => {
  assert.deepEqual(await ended(start(t, ['--version'])), { code: 0, out: `${VERSION}\n`, err: '' });
});

test('an argument that is not known is refused by name, with exit code 2', async (t) => {
  const { code, out, err } = await ended(start(t, ['--verbose'], WHO));
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^vsecm-agent: unknown argument "--verbose"; try --help\n$/);
});

test('an environment that cannot be used is one line on standard error, with exit code 2', async (t) => {
  const [missing, wrong, unsafe] = await Promise.all([
    ended(start(t, [])),
    ended(start(t, [], { ...WHO, VSECM_AGENT_CONCURRENCY: 'many' })),
    ended(start(t, [], { ...WHO, NODE_TLS_REJECT_UNAUTHORIZED: '0' })),
  ]);
  assert.deepEqual([missing.code, wrong.code, unsafe.code], [2, 2, 2]);
  assert.match(missing.err, /^vsecm-agent: NODE_NAME: read "", wanted .+\n$/);
  assert.match(wrong.err, /^vsecm-agent: VSECM_AGENT_CONCURRENCY: read "many", wanted .+\n$/);
  assert.match(unsafe.err, /vsecm-agent: NODE_TLS_REJECT_UNAUTHORIZED: read "0", wanted .+\n/);
  assert.equal(missing.out + wrong.out + unsafe.out, '');
});

test('an agent that cannot begin says why as a log line, with exit code 1', async (t) => {
  const env = { ...(await alone(t)), KUBECONFIG: '/nonexistent/kubeconfig' };
  const { code, out } = await ended(start(t, [], env));
  assert.equal(code, 1);
  const last = JSON.parse(out.trimEnd().split('\n').at(-1)!);
  assert.equal(last.level, 'fatal');
  assert.equal(last.cause, 'KubeconfigUnreadable');
  assert.equal(last.node, 'node-1');
});

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} ends the agent with 0, although nothing that it needs is there`, async (t) => {
    const child = start(t, [], await alone(t));
    child.stdout!.once('data', () => child.kill(signal));
    const { code, out, err } = await ended(child);
    assert.deepEqual([code, err], [0, '']);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(lines.some((line) => line.msg === 'Agent started' && line.port > 0));
    assert.ok(lines.some((line) => line.msg === 'Stopping' && line.signal === signal));
    assert.equal(lines.at(-1).msg, 'Stopped');
  });
