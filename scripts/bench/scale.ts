import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from '../../test/cluster.ts';
import { Stage } from '../../test/stage/stage.ts';
import { formatDuration } from '../../agent/api/duration.ts';
import { BenchAgent } from './bench-agent.ts';
import { gather, type FigureKey, type Figures } from './figure.ts';
import { MetricsPage } from './metrics-page.ts';
import type { Bench, Plan } from './plan.ts';
import { Readiness } from './readiness.ts';
import { Workload } from './workload.ts';

/** With how many resources memory is read. */
const MEMORY: ReadonlyMap<number, FigureKey> = new Map([
  [1_000, 'memory.with1000MiB'],
  [10_000, 'memory.with10000MiB'],
]);
/** A refresh is looked at from so long before it is due until so long after its request, milliseconds. */
const BEFORE_MS = 500;
const AFTER_MS = 2_000;

/**
 * One repetition on a cluster of its own: an agent without resources, then with 1,000, then with all of
 * them, then while refreshes change nothing.
 */
export async function measureScale(plan: Plan['scale'], bench: Bench): Promise<Figures> {
  await using stage = await Stage.start({ kind: bench.kind, gate: false });
  const { cluster, safe } = stage;
  const workload = new Workload({
    ...plan,
    prefix: 'scale',
    refreshInterval: formatDuration(plan.intervalMs),
  });
  workload.register(safe);
  await workload.createNamespaces(cluster);

  const figures: Figures = {};
  const agent = await BenchAgent.startWatched(await stage.join('bench'), bench.bundle);
  await using _ = agent;
  // What the start leaves is no part of idling.
  await sleep(plan.idleMs / 4);
  const begun = await agent.metrics();
  await sleep(plan.idleMs);
  const idle = await agent.metrics();
  const idleMicrosPerMs = (idle.cpuMicros - begun.cpuMicros) / (idle.at - begun.at);
  figures['memory.idleMiB'] = [idle.rssMib];

  using readiness = await Readiness.follow(cluster.admin);
  let there = 0;
  for (const size of stepsTo(plan.resources)) {
    await workload.create(cluster, there, size);
    there = size;
    await readiness.count(size);
    await eventsSent(agent);
    await safe.whenRead(safe.reads.length + plan.settledAfter);
    await sleep(AFTER_MS);
    const key = MEMORY.get(size);
    if (key !== undefined) figures[key] = [(await agent.metrics()).rssMib];
  }
  gather(figures, await refreshes(plan, stage, agent, idleMicrosPerMs));
  await agent.stop();
  return figures;
}

/** Events of new resources trickle; what they cost is no part of a refresh that changes nothing. */
async function eventsSent(agent: BenchAgent): Promise<void> {
  for (let before = -1, sent = 0; sent !== before;) {
    before = sent;
    await sleep(1_000);
    sent = (await agent.metrics()).kubePosts;
  }
}

const stepsTo = (resources: number): number[] => [
  ...[...MEMORY.keys()].filter((size) => size < resources),
  resources,
];

/** Whole intervals in which nothing changes. */
async function refreshes(
  plan: Plan['scale'],
  { cluster, safe }: Stage,
  agent: BenchAgent,
  idleMicrosPerMs: number,
): Promise<Figures> {
  const untilDue = async (): Promise<void> => {
    await sleep(Math.max(0, safe.reads.at(-1)!.at + plan.intervalMs - BEFORE_MS - Date.now()));
  };
  const delays: number[] = [];
  await untilDue();
  const served = { kube: await kubeRequestsAt(cluster), safe: safe.reads.length };
  const before = await agent.metrics();
  for (let refresh = 0; refresh < plan.refreshes; refresh++) {
    await agent.loopDelay();
    await safe.whenRead(safe.reads.length + 1);
    await sleep(AFTER_MS);
    delays.push((await agent.loopDelay()).p99);
    await untilDue();
  }
  const after = await agent.metrics();
  const cpu = after.cpuMicros - before.cpuMicros - idleMicrosPerMs * (after.at - before.at);
  const kube = Math.max(
    after.kubeRequests - before.kubeRequests,
    (await kubeRequestsAt(cluster)) - served.kube,
  );
  const per = (sum: number): number[] => [sum / plan.refreshes];
  return {
    'noop.kubeRequests': per(kube),
    'noop.safeRequests': per(safe.reads.length - served.safe),
    'noop.cpuMicrosPerResource': per(cpu / plan.resources),
    'noop.loopDelayP99Ms': delays,
  };
}

/** Requests about what the agent has to do with, as the server counts them; watches are none. */
async function kubeRequestsAt({ kind, admin, controls }: TestCluster): Promise<number> {
  if (kind === 'dev') return controls.count(({ verb }) => verb !== 'watch');
  const { body } = await admin.request('GET', '/metrics');
  return new MetricsPage(body as string).sum(
    'apiserver_request_total',
    (labels) =>
      /resource="(secrets|vsecmsecrets|events|endpointslices)"/.test(labels) &&
      !labels.includes('verb="WATCH"'),
  );
}
