import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterKind } from '../cluster.ts';
import { ownCluster } from '../devcluster/own-cluster.ts';
import { OwnControlPlane } from '../devcluster/own-control-plane.ts';
import { startInProcess } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { vss, valuesOf } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';
import { writtenSlice } from '../stage/written-slice.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
const NAMESPACES = ['shop', 'bank', 'post'];
/** By when every Secret is right again, by itself. */
const RIGHT_MS = 180_000;

test(
  'after etcd was restored from a backup every Secret is right within three minutes, and the log says what happened',
  { skip: clusterKind() === 'dev' && 'needs the real control plane', timeout: 480_000 },
  async (t) => {
    const plane = await OwnControlPlane.start();
    const stage = await Stage.start({ cluster: ownCluster(plane) });
    t.after(() => stage.close());
    const { cluster, safe } = stage;
    const password = async (version: string): Promise<void> => {
      const secret = { name: 'raw:db', value: JSON.stringify({ p: version }), namespaces: NAMESPACES };
      await safe.register(secret);
    };
    await safe.register({ name: 'raw:vsecm-agent-placeholder', value: 'x', namespaces: ['vsecm-agent'] });
    await password('one');
    for (const namespace of NAMESPACES) await stage.namespace(namespace);
    await cluster.apply(writtenSlice(NODES));
    const want = (name: string, namespace: string) =>
      cluster.apply(vss(name, { refreshInterval: '30s', data: [{ key: 'p', ref: 'db.p' }] }), namespace);
    const is = async (
      namespace: string,
      name: string,
      value: string | undefined,
      ms = RIGHT_MS,
    ): Promise<void> => {
      await awaitObject(
        plane.admin,
        secretPath(namespace, name),
        (secret) => valuesOf(secret)['p'] === value,
        ms,
      );
    };
    const agents = await Promise.all(
      NODES.map(async (node) =>
        startInProcess(await stage.join(node, { VSECM_AGENT_SERVICE: 'vsecm-agent' })),
      ),
    );
    t.after(() => Promise.all(agents.map((agent) => agent.stop())));
    for (const namespace of NAMESPACES) for (const name of ['kept', 'deleted']) await want(name, namespace);
    for (const namespace of NAMESPACES)
      for (const name of ['kept', 'deleted']) await is(namespace, name, 'one');

    await plane.backup();
    for (const namespace of NAMESPACES) {
      await want('made', namespace);
      await is(namespace, 'made', 'one');
      await plane.admin.ok('DELETE', vssPath(namespace, 'deleted'));
    }
    await password('two');
    for (const namespace of NAMESPACES) await is(namespace, 'kept', 'two');
    const bump = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i++)
        await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `c-${i}` } }, 'shop');
    };
    await bump(0, 300);

    const marks = agents.map(({ log }) => log.lines.length);
    await plane.restore();
    const from = performance.now();
    const passed = (): string => `${Math.round((performance.now() - from) / 100) / 10} s after the restore`;
    // What the world does at once: somebody makes a resource, and others write until versions pass the old ones.
    await want('late', 'bank');
    await is('bank', 'late', 'two');
    t.diagnostic(`a resource made after the restore is served ${passed()}`);
    for (const namespace of NAMESPACES) {
      await is(namespace, 'kept', 'two');
      await is(namespace, 'deleted', 'two');
      assert.equal((await plane.admin.request('GET', secretPath(namespace, 'made'))).status, 404);
      assert.equal((await plane.admin.request('GET', vssPath(namespace, 'made'))).status, 404);
    }
    t.diagnostic(`all Secrets are right ${passed()}`);
    assert.ok(performance.now() - from < RIGHT_MS);
    await bump(1_000, 600);
    await password('three');
    for (const namespace of NAMESPACES)
      for (const name of ['kept', 'deleted']) {
        await is(namespace, name, 'three');
        await awaitObject(plane.admin, vssPath(namespace, name), isReady);
      }
    await sleep(1_000);
    for (const [i, { log }] of agents.entries()) {
      const lines = log.lines.slice(marks[i]).filter(({ level }) => level === 'warn' || level === 'error');
      t.diagnostic(
        `agent ${i}: ${JSON.stringify(lines.map(({ msg, resource, cause, status }) => [msg, resource, cause ?? status]))}`,
      );
      assert.ok(lines.some(({ msg }) => msg.startsWith('the API server went back to an earlier state')));
    }
  },
);
