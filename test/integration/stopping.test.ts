import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { writeConfig } from '../kube/wire.ts';
import { startProcess } from '../stage/agents.ts';
import { awaitObject, vssPath, isReady } from '../stage/await-object.ts';
import { credentials, vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';

/** The manifest gives 30 s. */
const LONGEST_MS = 25_000;

/** An agent as a process that is ready to serve `shop`. */
async function served(t: { after: (run: () => unknown) => void }) {
  const stage = await Stage.start();
  t.after(() => stage.close());
  await stage.namespace('shop');
  for (const [name, value, namespace] of [
    ['vsecm-agent-placeholder', 'placeholder', 'vsecm-agent'],
    ['shop', credentials(), 'shop'],
  ] as const)
    await stage.safe.register({ name: `raw:${name}`, value, namespaces: [namespace] });
  const agent = startProcess(await stage.join('node-1'));
  t.after(() => agent.kill('SIGKILL'));
  await agent.port();
  const spec = (name: string) => vss(name, { data: [{ key: 'p', ref: 'shop.cocaCola.data.password' }] });
  return { stage, agent, spec };
}

async function stopped(agent: { stop(): Promise<number> }): Promise<{ code: number; ms: number }> {
  const from = performance.now();
  const code = await agent.stop();
  return { code, ms: performance.now() - from };
}

suite('SIGTERM', () => {
  test('while a write is never answered ends the agent within its grace', async (t) => {
    const { stage, agent, spec } = await served(t);
    const { controls } = stage.cluster;
    const hangs = new Promise<void>((resolve) => {
      controls.before({ resource: 'secrets', verb: 'patch' }, () => {
        resolve();
        return new Promise(() => {});
      });
    });
    await stage.cluster.apply([spec('a'), spec('b')], 'shop');
    await hangs;
    const { code, ms } = await stopped(agent);
    assert.equal(code, 0, agent.log.text);
    assert.ok(ms < LONGEST_MS, `${ms} ms`);
  });

  test('lets a write that has left come to its end, and its status', async (t) => {
    const { stage, agent, spec } = await served(t);
    const { controls } = stage.cluster;
    const left = new Promise<void>((resolve) => {
      controls.before({ resource: 'secrets', verb: 'patch' }, async () => {
        resolve();
        await new Promise((later) => setTimeout(later, 1_000));
      });
    });
    await stage.cluster.apply(spec('db'), 'shop');
    await left;
    const { code } = await stopped(agent);
    assert.equal(code, 0);
    await awaitObject(stage.cluster.admin, vssPath('shop', 'db'), isReady);
  });

  test('while the command of a kubeconfig hangs ends the agent at once', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'stopping-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'sign-in'), `#!/bin/sh\ntouch ${folder}/begun\nexec sleep 300\n`, {
      mode: 0o700,
    });
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './sign-in',
      interactiveMode: 'Never',
    };
    const KUBECONFIG = await writeConfig(folder, { server: 'https://127.0.0.1:1' }, { exec });
    const names = { NODE_NAME: 'node-1', POD_NAME: 'pod-1', POD_NAMESPACE: 'vsecm-agent' };
    const agent = startProcess({ ...names, KUBECONFIG });
    t.after(() => agent.kill('SIGKILL'));
    const begun = watch(folder);
    for await (const _ of begun) if (existsSync(join(folder, 'begun'))) break;
    const { code, ms } = await stopped(agent);
    assert.equal(code, 0);
    assert.ok(ms < 5_000, `${ms} ms`);
  });

  test('while the initial state does not come ends the agent at once', async (t) => {
    const stage = await Stage.start();
    t.after(() => stage.close());
    stage.cluster.controls.delay((request) => request.verb === 'watch' || request.verb === 'list', 120_000);
    const agent = startProcess(await stage.join('node-1'));
    t.after(() => agent.kill('SIGKILL'));
    await agent.port();
    const { code, ms } = await stopped(agent);
    assert.equal(code, 0);
    assert.ok(ms < 5_000, `${ms} ms`);
  });
});
