import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OwnersReport } from '../../agent/cli/owners.ts';
import { Rendezvous } from '../../agent/shard/rendezvous.ts';
import type { RunningAgent } from '../stage/agents.ts';
import { vss } from '../stage/scene.ts';
import { Stage } from '../stage/stage.ts';
import { awaitObject, vssPath } from '../stage/await-object.ts';
import { startAgents } from './agent-pod.ts';
import { vsecm } from './command-line.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
const NAMESPACES = Array.from({ length: 12 }, (_, index) => `team-${index}`);

let stage: Stage;
const agents: RunningAgent[] = [];
const owners = (...argv: string[]) => vsecm(stage.cluster.kubeconfig, ['owners', ...argv]);

before(async () => {
  stage = await Stage.start();
  const { cluster } = stage;
  agents.push(...(await startAgents(stage, NODES)));
  for (const namespace of NAMESPACES) {
    await stage.namespace(namespace);
    await cluster.apply(vss('db', { data: [{ key: 'a', ref: 'a' }] }), namespace);
  }
  for (const namespace of NAMESPACES)
    await awaitObject(cluster.admin, vssPath(namespace, 'db'), (object) => object.status?.node !== undefined);
});
after(async () => {
  for (const agent of agents) await agent.stop();
  await stage?.close();
});

test('the owner of each namespace is the one that the agents have agreed on', async () => {
  const { code, out } = await owners('-o', 'json');
  assert.equal(code, 0);
  const report = JSON.parse(out) as OwnersReport;
  assert.deepEqual(report.members, NODES);
  assert.deepEqual(report.problems, []);
  const table = new Rendezvous(NODES, { maxOwners: 16 });
  assert.deepEqual(
    report.namespaces.map(({ namespace, owner, servedBy }) => [namespace, owner, servedBy]),
    NAMESPACES.toSorted().map((namespace) => [
      namespace,
      table.ownerOf(namespace),
      [table.ownerOf(namespace)],
    ]),
  );
  const counts = report.nodes.map((node) => node.namespaces.length);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    NAMESPACES.length,
  );
  assert.deepEqual(report.balance, { average: 4, most: Math.max(...counts) });
});

test('people see nodes with their pods, the balance, and the namespaces', async () => {
  const { out, said } = await owners();
  assert.equal(said, '');
  assert.match(out, /^NODE +POD +READY +ROLE +NAMESPACES +RESOURCES +NOT READY\n/);
  assert.match(out, /^node-1 +vsecm-agent-node-1 +yes +owner +\d+ +\d+ +\d+$/m);
  assert.match(out, /^Namespaces per owner: 4\.0 on average, \d+ at most \(\d\.\d\d times the average\)\.$/m);
  assert.match(out, /^team-0 +(node-[123]) +1 +\1$/m);
});

test('one namespace can be asked for, also one without any resource', async () => {
  const { out } = await owners('-n', 'default');
  assert.match(out, /^default +node-[123] +0$/m);
  assert.doesNotMatch(out, /team-|per owner/);
});

test('without a view of pods the slices tell the members, and what is missing is said', async (t) => {
  const { cluster } = stage;
  const account = { namespace: 'vsecm-agent', name: 'vsecm-agent' };
  if (cluster.kind === 'dev')
    t.after(cluster.controls.fail({ resource: 'pods', verb: 'list' }, { status: 403 }));
  const ran = await vsecm(await cluster.kubeconfigFor(account), ['owners']);
  assert.equal(ran.code, 0);
  assert.match(ran.out, /^node-2 +vsecm-agent-node-2 +yes +owner/m);
  assert.match(ran.said, /^not known: you are not allowed to list pods in namespace vsecm-agent/);
});
