import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { filled } from '../api/spec-cases.ts';
import { MERGE } from '../devcluster/api-client.ts';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { HEAP } from '../hostile/ground.ts';
import { awaitObject, isReady, vssPath } from '../stage/await-object.ts';
import { Fleet } from '../stage/fleet.ts';
import { shippedDaemonSet } from '../stage/kubelet.ts';
import { vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';

const NODES = Array.from({ length: 7 }, (_, index) => `node-${index + 1}`);
const COUNT = 200;
/** Of the pod's 512 MiB. */
const MOST_MIB = 400;

const assets = await controlPlaneAssets();
const skip = 'folder' in assets && assets.controllers ? false : 'without kube-controller-manager';

describe('seven owners on the real kube-apiserver', { skip, timeout: 400_000 }, () => {
  test(
    'none restarts while 200 of the largest resources are made, edited and deleted',
    { timeout: 390_000 },
    async (t) => {
      await using stage = await Stage.start({ kind: 'real', controllers: true });
      const { probe } = await shippedDaemonSet();
      const fleet = await Fleet.start({ stage, probe, handoffDelayMs: 30_000, flags: [HEAP] });
      try {
        for (const node of NODES) await fleet.up(node);
        const pids = NODES.map((node) => fleet.agent(node).child.pid!);
        for (const name of ['evil', 'good']) await stage.namespace(name);
        await stage.safe.register({ name: 'raw:other', value: 'x', namespaces: ['elsewhere'] });
        await stage.safe.register({ name: 'raw:good', value: '{"p":"x"}', namespaces: ['good'] });
        const { admin } = stage.cluster;
        const spec = { data: [{ key: 'p', ref: 'good.p' }] };
        const each = async (act: (index: number) => Promise<unknown>): Promise<void> => {
          for (let index = 0; index < COUNT; index++) await act(index);
        };
        const annotations = { 'vsecm.com/refresh': 'r'.repeat(200_000) };
        const path = vssPath('evil', '').slice(0, -1);
        const phases: [string, (index: number) => Promise<unknown>][] = [
          [
            'made',
            (index) =>
              admin.ok('POST', path, {
                ...vss(`e${index}`, { ...filled(32_768), suspend: index % 2 === 0 }, { annotations }),
              }),
          ],
          [
            'edited',
            (index) =>
              admin.ok(
                'PATCH',
                `${path}/e${index}`,
                { spec: { suspend: index % 2 !== 0 } },
                { 'content-type': MERGE },
              ),
          ],
          ['deleted', (index) => admin.ok('DELETE', `${path}/e${index}`)],
        ];
        for (const [what, act] of phases) {
          await each(act);
          await stage.cluster.apply(vss(what, spec), 'good');
          await awaitObject(admin, vssPath('good', what), isReady);
          const peaks = pids.map(peakMiB);
          t.diagnostic(`${what}: ${peaks.join(' ')} MiB at most`);
          assert.ok(Math.max(...peaks) < MOST_MIB, `${what}: ${peaks.join(' ')} MiB`);
        }
        assert.deepEqual(
          NODES.map((node) => fleet.agent(node).child.pid),
          pids,
        );
      } finally {
        await fleet.close();
      }
    },
  );
});

/** The most memory that a process ever had. Fails for one that has ended. */
function peakMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
}
