import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rendezvous } from '../../agent/shard/rendezvous.ts';
import { vssPath } from '../stage/await-object.ts';
import { credentials, Scene, valuesOf, vss } from '../stage/scene.ts';
import { FAST } from '../stage/stage.ts';

const OWN = 'node-1';
/** Elected before the agent's own node where only one may own. */
const OTHER = Array.from({ length: 20 }, (_, i) => `other-${i}`).find(
  (name) => new Rendezvous([OWN, name], { maxOwners: 1 }).owners[0] === name,
)!;
/** More than the agent looks at at a time, so that some are not looked at again before the end. */
const RESOURCES = 40;

const endpoint = (node: string, number: number): object => ({
  addresses: [`10.244.${number}.7`],
  conditions: { ready: true, serving: true, terminating: false },
  nodeName: node,
  targetRef: { kind: 'Pod', namespace: 'vsecm-agent', name: `vsecm-agent-${node}` },
});

/** The agents' slice, as the endpointslice controller writes it. */
const slice = (nodes: readonly string[]): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'vsecm-agent-1',
    namespace: 'vsecm-agent',
    labels: {
      'kubernetes.io/service-name': 'vsecm-agent',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    },
  },
  addressType: 'IPv4',
  endpoints: nodes.map(endpoint),
  ports: [],
});

test('an agent that owns nothing any more writes no status that was still waiting for its turn', async () => {
  const pace = { ...FAST, status: { ...FAST.status, perResourceMs: 60_000 } };
  await using scene = await Scene.start(
    async (stage) => {
      await stage.cluster.apply(slice([OWN]));
      return { VSECM_AGENT_SERVICE: 'vsecm-agent', VSECM_AGENT_MAX_OWNERS: '1' };
    },
    { pace, floorMs: 50 },
  );
  const { controls } = scene.stage.cluster;
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
  const writes = (): number => controls.count({ verb: 'patch', resource: 'vsecmsecrets' });
  const before = writes();

  await scene.stage.cluster.apply(slice([OTHER, OWN]));
  await scene.agent.log.when(({ msg, role }) => msg === 'Role among the agents' && role === 'standby');
  // The end of what it did as owner.
  await scene.agent.stop();
  assert.equal(writes(), before);
});
