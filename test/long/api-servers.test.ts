import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { clusterKind } from '../cluster.ts';
import { mountedKubeconfig, ownCluster } from '../devcluster/own-cluster.ts';
import { OwnControlPlane, type OwnControlPlaneOptions } from '../devcluster/own-control-plane.ts';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, secretPath } from '../stage/await-object.ts';
import { Relay } from '../stage/relay.ts';
import { valuesOf, vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';

const ACCOUNT = { namespace: 'vsecm-agent', name: 'vsecm-agent' };

/** A control plane of the test's own with one namespace and one secret, and what the tests do with them. */
async function begin(t: TestContext, options: OwnControlPlaneOptions & { front?: Relay } = {}) {
  const plane = await OwnControlPlane.start(options);
  const front = options.apiServers === undefined ? undefined : await Relay.start(...plane.ports);
  const server = front && `https://127.0.0.1:${front.port}`;
  const cluster = ownCluster(plane, server);
  const stage = await Stage.start({ cluster });
  t.after(async () => {
    await front?.close();
    await stage.close();
  });
  await stage.namespace('shop');
  await stage.safe.register({ name: 'raw:vsecm-agent-placeholder', value: 'x', namespaces: ['vsecm-agent'] });
  const rotate = (version: string) =>
    stage.safe.register({ name: 'raw:db', value: JSON.stringify({ p: version }), namespaces: ['shop'] });
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `db-${i}`);
  return {
    plane,
    stage,
    rotate,
    names,
    want: (all: readonly string[]) =>
      cluster.apply(
        all.map((name) => vss(name, { refreshInterval: '10s', data: [{ key: 'p', ref: 'db.p' }] })),
        'shop',
      ),
    async are(all: readonly string[], value: string, withinMs: number): Promise<string> {
      const from = performance.now();
      for (const name of all)
        await awaitObject(
          plane.admin,
          secretPath('shop', name),
          (secret) => valuesOf(secret)['p'] === value,
          withinMs,
        );
      return `${Math.round((performance.now() - from) / 100) / 10} s`;
    },
  };
}

const troubles = ({ log }: RunningAgent, from = 0): string =>
  JSON.stringify(
    log.lines
      .slice(from)
      .filter(({ level }) => level !== 'info' && level !== 'debug')
      .map(({ msg, resource, cause, status, code }) => [msg, resource ?? code, cause ?? status]),
  );

suite('API servers', { skip: clusterKind() === 'dev' && 'needs the real control plane' }, () => {
  test(
    'that say goodbye to one connection in fifty requests (--goaway-chance) lose nothing, and no line tells of it',
    { timeout: 200_000 },
    async (t) => {
      const { stage, names, want, are, rotate } = await begin(t, { flags: ['--goaway-chance=0.02'] });
      await rotate('0');
      const agent = startInProcess(await stage.join('node-1'));
      t.after(() => agent.stop());
      const all = names(40);
      await want(all);
      await are(all, '0', 30_000);
      for (let version = 1; version <= 4; version++) {
        await rotate(String(version));
        t.diagnostic(`40 Secrets have version ${version} after ${await are(all, String(version), 40_000)}`);
      }
      t.diagnostic(troubles(agent));
      assert.equal(troubles(agent), '[]');
    },
  );

  test(
    'whose CA and ServiceAccount key are replaced are trusted and convinced again once the files are there',
    { timeout: 250_000 },
    async (t) => {
      const { plane, stage, want, are, rotate } = await begin(t);
      await rotate('one');
      const { kubeconfig, mount } = await mountedKubeconfig(stage.cluster, plane.folder, ACCOUNT);
      const agent = startInProcess(await stage.join('node-1', { KUBECONFIG: kubeconfig }));
      t.after(() => agent.stop());
      await want(['db']);
      await are(['db'], 'one', 30_000);
      await plane.stopApi(0);
      await plane.replaceKeys();
      await plane.startApi(0);
      await rotate('two');
      // For a while the files are those of before, as in a cluster that is repaired by hand.
      await agent.log.when(({ msg }) => msg === 'list and watch failed, trying again');
      await mount();
      t.diagnostic(`served again ${await are(['db'], 'two', 120_000)} after the files were there`);
      t.diagnostic(troubles(agent));
    },
  );

  test(
    'of which one lags and hangs while it answers behind the same address, and comes back',
    { timeout: 480_000 },
    async (t) => {
      let way: Relay | undefined;
      const { plane, stage, want, are, rotate } = await begin(t, {
        apiServers: 2,
        etcdPort: async (index, etcd) => (index === 0 ? etcd : (way = await Relay.start(etcd)).port),
      });
      t.after(() => way?.close());
      await rotate('one');
      const agent = startInProcess(await stage.join('node-1'));
      t.after(() => agent.stop());
      await want(['a']);
      await are(['a'], 'one', 30_000);
      let from = agent.log.lines.length;

      way?.freeze(); // the second API server hears nothing of etcd, and may go on answering from what it remembers
      await want(['b']);
      await rotate('two');
      t.diagnostic(
        `one lags: served ${await are(['a', 'b'], 'two', 240_000)} later; ${troubles(agent, from)}`,
      );
      way?.thaw();

      from = agent.log.lines.length;
      plane.signalApi(1, 'SIGSTOP'); // connections to it stay open and nothing comes
      await want(['c']);
      await rotate('three');
      t.diagnostic(
        `one hangs: served ${await are(['a', 'b', 'c'], 'three', 240_000)} later; ${troubles(agent, from)}`,
      );
      plane.signalApi(1, 'SIGCONT');

      from = agent.log.lines.length;
      await want(['d']);
      await rotate('four');
      t.diagnostic(
        `both answer: served ${await are(['a', 'b', 'c', 'd'], 'four', 60_000)} later; ${troubles(agent, from)}`,
      );
    },
  );
});
