import { Stage } from '../../test/stage/stage.ts';
import { BenchAgent } from './bench-agent.ts';
import type { Figures } from './figure.ts';
import type { Bench, Plan } from './plan.ts';
import { readWritten, sendRaw, writesFor } from './raw-writes.ts';
import { Readiness } from './readiness.ts';
import { Workload } from './workload.ts';

const ACCOUNT = { namespace: 'vsecm-agent', name: 'vsecm-agent' };

/**
 * One repetition on a cluster of its own. The resources are there when the agent starts; time runs from its
 * readiness, when it has listed them, to the last one that a watch shows Ready. Then a plain loop sends the
 * same writes for as many resources of other namespaces.
 */
export async function measureSync(plan: Plan['sync'], bench: Bench): Promise<Figures> {
  const { resources, namespaces } = plan;
  await using stage = await Stage.start({ kind: bench.kind, gate: false });
  const { cluster, safe } = stage;
  const size = { resources, secrets: resources, secretBytes: 256, namespaces, refreshInterval: '1h' };
  const workload = new Workload({ ...size, prefix: 'sync' });
  const raw = new Workload({ ...size, prefix: 'raw' });
  workload.register(safe);
  await workload.createNamespaces(cluster);
  await raw.createNamespaces(cluster);
  await workload.create(cluster);

  const env = await stage.join('bench', { VSECM_SAFE_ENDPOINT_URL: safe.url });
  using readiness = await Readiness.follow(cluster.admin);
  const agent = await BenchAgent.start(env, bench.bundle);
  await using _ = agent;
  const from = performance.now();
  const seconds = ((await readiness.count(resources)) - from) / 1000;
  // Events trickle beside the rest; those that were sent by then count.
  const { kubeWrites: writes, kubePosts: events } = await agent.metrics();
  await agent.stop();

  const pattern = await readWritten(cluster);
  const others = await raw.create(cluster);
  const rawWrites = others.flatMap((resource, i) => {
    const { secret, status, event } = writesFor(pattern, resource);
    return i < events ? [secret, event, status] : [secret, status];
  });
  const rawSeconds = (await sendRaw(rawWrites, await cluster.credentialsFor(ACCOUNT))) / 1000;
  const perSecond = { agent: writes / seconds, raw: rawWrites.length / rawSeconds };
  return {
    'sync.perSecond': [resources / seconds],
    'sync.writesPerSecond': [perSecond.agent],
    'sync.rawWritesPerSecond': [perSecond.raw],
    'sync.ratio': [perSecond.agent / perSecond.raw],
  };
}
