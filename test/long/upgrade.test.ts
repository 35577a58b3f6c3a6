import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bundle } from '../../scripts/build.ts';
import { clusterKind, type TestCluster } from '../cluster.ts';
import { CLUSTER_SPIFFE_ID_CRD, SHIPPED } from '../real/shipped.ts';
import { emptyFolder, startProcess, type AgentProcess } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { buildLastRelease, lastReleaseMissing, type LastRelease } from '../stage/last-release.ts';
import { vss, valuesOf } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';
import { writtenSlice } from '../stage/written-slice.ts';

const NODES = ['node-1', 'node-2'];
const NAMESPACES = ['bank', 'post', 'press', 'shop', 'store', 'tax'];
/** One resource of each kind that the last release knows, with the Secret that it makes or writes to. */
const SPECS: Record<string, object> = {
  plain: { data: [{ key: 'p', ref: 'db.p' }] },
  orphan: { target: { creationPolicy: 'Orphan' }, data: [{ key: 'p', ref: 'db.p' }] },
  merged: { target: { creationPolicy: 'Merge' }, data: [{ key: 'p', ref: 'db.p' }] },
  adopted: { data: [{ key: 'p', ref: 'db.p' }] },
  fixed: { target: { immutable: true }, data: [{ key: 'p', ref: 'fixed.p' }] },
  labelled: { dataFrom: [{ ref: 'db' }], labels: [{ key: 'p', ref: 'db.labels.p' }] },
};
const SOMEBODYS = ['merged', 'adopted'];

// In order: each test goes on from the cluster that the one before left.
describe(
  'from the last release to this one',
  {
    timeout: 600_000,
    skip: (clusterKind() === 'dev' && 'needs the real control plane') || (lastReleaseMissing() ?? false),
  },
  () => {
    let release: LastRelease;
    let today: Awaited<ReturnType<typeof emptyFolder>>;
    let file: string;
    let stage: Stage;
    const agents = new Map<string, AgentProcess>();
    before(async () => {
      release = await buildLastRelease();
      today = await emptyFolder();
      ({ file } = await bundle(today.path));
      const install = (cluster: TestCluster): Promise<unknown> => applied(cluster, release.daemonset);
      stage = await Stage.start({ kind: 'real', install });
      await stage.cluster.apply(writtenSlice(NODES));
    });
    after(async () => {
      for (const agent of agents.values()) await agent.stop();
      await stage?.close();
      await release?.[Symbol.asyncDispose]();
      await today?.[Symbol.asyncDispose]();
    });

    const run = async (node: string, program: string): Promise<void> => {
      await agents.get(node)?.stop();
      const env = await stage.join(node, { VSECM_AGENT_SERVICE: 'vsecm-agent' });
      const agent = startProcess(env, { bundle: program });
      agents.set(node, agent);
      await agent.port();
    };
    const each = (act: (namespace: string, name: string) => Promise<unknown>): Promise<unknown> =>
      Promise.all(NAMESPACES.flatMap((namespace) => Object.keys(SPECS).map((name) => act(namespace, name))));
    const secret = (namespace: string, name: string): Promise<any> =>
      stage.cluster.admin.ok('GET', secretPath(namespace, name));
    const versions = async (): Promise<Record<string, string>> => {
      const found: Record<string, string> = {};
      await each(async (namespace, name) => {
        const { metadata } = await secret(namespace, name);
        found[`${namespace}/${name}`] = `${metadata.uid} ${metadata.resourceVersion}`;
      });
      return found;
    };
    const register = (value: string): Promise<void> =>
      stage.safe.register({
        name: 'raw:db',
        value: JSON.stringify({ p: value, labels: { p: value } }),
        namespaces: NAMESPACES,
      });
    const has = (value: string): Promise<unknown> =>
      each((namespace, name) =>
        name === 'fixed'
          ? Promise.resolve()
          : awaitObject(
              stage.cluster.admin,
              secretPath(namespace, name),
              (one) => valuesOf(one)['p'] === value,
            ),
      );

    test('the last release serves what it knows', async () => {
      for (const namespace of NAMESPACES) await stage.namespace(namespace);
      await register('one');
      await stage.safe.register({
        name: 'raw:fixed',
        value: JSON.stringify({ p: 'one' }),
        namespaces: NAMESPACES,
      });
      for (const node of NODES) await run(node, release.bundle);
      await each(async (namespace, name) => {
        if (SOMEBODYS.includes(name)) await stage.cluster.apply(somebodys(name), namespace);
        await stage.cluster.apply(vss(name, { refreshInterval: '10s', ...SPECS[name] }), namespace);
      });
      await each((namespace, name) => awaitObject(stage.cluster.admin, vssPath(namespace, name), isReady));
      await has('one');
    });

    test('the manifests, the CRD among them, under agents of the last release: no Secret is touched, and they go on', async () => {
      const was = await versions();
      const { stderr } = await applied(stage.cluster, SHIPPED);
      assert.equal(stderr, '');
      assert.deepEqual(await versions(), was);
      await register('two');
      await has('two');
    });

    test('an agent of each beside the other: no Secret is touched, and both go on', async (t) => {
      const was = await versions();
      await run('node-1', file);
      await served(stage, agents.get('node-1')!);
      told(t, was, await versions());
      await register('three');
      await has('three');
    });

    test('all of this version: no Secret is touched, and they go on', async (t) => {
      const was = await versions();
      await run('node-2', file);
      await served(stage, agents.get('node-2')!);
      told(t, was, await versions());
      await register('four');
      await has('four');
    });

    test('applying again changes nothing', async () => {
      const { stdout } = await stage.cluster.kubectl(['apply', '--validate=strict', '-f', SHIPPED]);
      for (const line of stdout.trim().split('\n')) assert.match(line, / unchanged$/);
    });
  },
);

async function applied(
  cluster: TestCluster,
  folder: string,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  await cluster.apply(CLUSTER_SPIFFE_ID_CRD);
  const result = await cluster.kubectl(['apply', '-f', folder]);
  assert.equal(result.exitCode, 0, result.stderr);
  return result;
}

const somebodys = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, annotations: { 'vsecm.com/allow-adoption': 'true' } },
  data: { own: 'b3du' },
});

/** Resolves when the agent has looked at all it serves: two refreshes have passed. */
async function served(stage: Stage, agent: AgentProcess): Promise<void> {
  const from = stage.safe.reads.length;
  await stage.safe.whenRead(from + 4);
  assert.equal(agent.child.exitCode, null);
}

function told(t: { diagnostic(text: string): void }, was: object, is: object): void {
  const [before, now] = [was, is] as Record<string, string>[];
  const touched = Object.keys(before!).filter((key) => before![key] !== now![key]);
  t.diagnostic(`touched: ${touched.join(', ') || 'none'}`);
  assert.deepEqual(touched, []);
}
