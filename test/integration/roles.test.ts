import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { STANDBYS } from '../../agent/shard/role.ts';
import { vssPath } from '../stage/await-object.ts';
import { credentials, Scene, valuesOf, vss } from '../stage/scene.ts';
import { FAST } from '../stage/stage.ts';
import { electedBefore, writtenSlice } from '../stage/written-slice.ts';

const NODE = 'node-1';
/** More than the agent looks at at a time, so that some are not looked at again before the end of its duty. */
const RESOURCES = 40;

// In order: the agent goes from role to role.
describe('an agent where only one owns', () => {
  let scene: Scene;
  /** Statuses written until the agent was demoted. */
  let written = 0;
  const statuses = (): number =>
    scene.stage.cluster.controls.count({ verb: 'patch', resource: 'vsecmsecrets' });
  before(async () => {
    // Statuses in a minute, so that some wait when the agent is demoted.
    const pace = { ...FAST, status: { ...FAST.status, perResourceMs: 60_000 } };
    scene = await Scene.start(
      async (stage) => {
        await stage.cluster.apply(writtenSlice([NODE]));
        return { VSECM_AGENT_SERVICE: 'vsecm-agent', VSECM_AGENT_MAX_OWNERS: '1' };
      },
      { pace, floorMs: 50 },
    );
  });
  after(() => scene?.close());

  /** Watches that stay open, once there are no others. */
  async function watches(wanted: readonly string[]): Promise<string[]> {
    const { controls } = scene.stage.cluster;
    const open = (): string[] =>
      controls
        .openWatches()
        .map(({ resource }) => resource)
        .toSorted();
    const end = Date.now() + 10_000;
    while (open().join() !== wanted.join() && Date.now() < end) await sleep(20);
    return open();
  }

  const becomes = async (role: string, nodes: readonly string[]): Promise<void> => {
    await scene.stage.cluster.apply(writtenSlice(nodes));
    await scene.agent.log.when((line) => line.msg === 'Role among the agents' && line['role'] === role);
  };

  test('holds three watches as owner', async () => {
    await becomes('owner', [NODE]);
    const wanted = ['endpointslices', 'secrets', 'vsecmsecrets'];
    assert.deepEqual(await watches(wanted), wanted);
  });

  test('watches only the members as standby', async () => {
    const ns = await scene.stage.namespace('former');
    await scene.register(ns, credentials(), [ns]);
    const names = Array.from({ length: RESOURCES }, (_, i) => `db-${i}`);
    const data = [{ key: 'password', ref: `${ns}.cocaCola.data.password` }];
    await scene.apply(
      names.map((name) => vss(name, { data })),
      ns,
    );
    for (const name of names) await scene.vss(ns, name);

    // The Secrets follow at once, their statuses in a minute.
    await scene.register(ns, credentials('root', 'second'), [ns]);
    await scene.patch(vssPath(ns, 'db-0'), { metadata: { annotations: { 'vsecm.com/refresh': 'now' } } });
    for (const name of names) {
      await scene.secret(ns, name, (secret) => valuesOf(secret)['password'] === 'second');
    }
    written = statuses();
    await becomes('standby', [...electedBefore(NODE, 1), NODE]);
    assert.deepEqual(await watches(['endpointslices']), ['endpointslices']);
  });

  test('watches nothing where even the standbys are others', async () => {
    await becomes('other', [...electedBefore(NODE, 1 + STANDBYS), NODE]);
    assert.deepEqual(await watches([]), []);
  });

  test('writes no status that was still waiting for its turn when it ceased to be owner', async () => {
    // After the end of all that it did as owner.
    await scene.agent.stop();
    assert.ok(written >= RESOURCES);
    assert.equal(statuses(), written);
  });
});
