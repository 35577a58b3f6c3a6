import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Stage } from '../stage/stage.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const start = (args: string[], env: Record<string, string> = {}) =>
  spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });

test('--pretty - shows a log of JSON lines as people read it, and leaves everything else as it is', async () => {
  const child = start(['--pretty', '-']);
  const line = {
    level: 'warn',
    time: '2026-01-01T00:00:00.000Z',
    node: 'node-1',
    pod: 'pod-1',
    namespace: 'shop',
    name: 'db',
    code: 'RefNotFound',
    resources: 2,
    hint: "safe -w raw:db -n shop -s 'VALUE'",
    msg: 'VSecMSecret fails',
  };
  const evil = { ...line, name: 'a\u001b[2J\u202eb', hint: 'one\ntwo' };
  child.stdin.end(`${JSON.stringify(line)}\nno JSON at all\n${JSON.stringify(evil)}\n`);
  assert.equal(
    await text(child.stdout),
    [
      '2026-01-01T00:00:00.000Z WARN  VSecMSecret fails namespace=shop name=db code=RefNotFound resources=2',
      "    safe -w raw:db -n shop -s 'VALUE'",
      'no JSON at all',
      '2026-01-01T00:00:00.000Z WARN  VSecMSecret fails namespace=shop name=a\\u001b[2J\\u202eb code=RefNotFound resources=2',
      '    one\\u000atwo',
      '',
    ].join('\n'),
  );
});

test('with --pretty an agent says first who it is, whom it has become, and what it owns', async () => {
  await using stage = await Stage.start({ kind: 'dev' });
  const child = start(['--pretty'], await stage.join('node-1'));
  let said = '';
  for await (const piece of child.stdout.setEncoding('utf8')) {
    said += piece;
    // A second signal would end it before its last words.
    if (!child.killed && /are known/.test(said) && /SVID obtained/.test(said)) child.kill('SIGTERM');
  }
  for (const line of [
    /^\S+Z INFO {2}Agent started .*agent=vsecm-agent-node-1@node-1 release=/m,
    /^\S+Z INFO {2}X\.509-SVID obtained spiffeID=spiffe:\/\/vsecm\.com\/workload\/vsecm-scout\/\S+ serial=\S+ notAfter=20/m,
    /^\S+Z INFO {2}Role among the agents role=owner members=1 owners=1$/m,
    /^\S+Z INFO {2}VSecMSecrets and Secrets are known count=0 resources=0 namespaces=0/m,
    /^\S+Z INFO {2}Stopped$/m,
  ])
    assert.match(said, line);
  assert.doesNotMatch(said, /^\{/m);
});
