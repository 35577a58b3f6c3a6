import { setTimeout as sleep } from 'node:timers/promises';
import { awaitObject, isReady, secretPath, vssPath } from '../../test/stage/await-object.ts';
import { Stage } from '../../test/stage/stage.ts';
import { BenchAgent } from './bench-agent.ts';
import type { Figures } from './figure.ts';
import type { Bench, Plan } from './plan.ts';
import { Workload } from './workload.ts';

/** From the start of one request to Safe to the start of the next, milliseconds. */
const FLOOR_MS = 5_000;
const MERGE = { 'content-type': 'application/merge-patch+json' };

/**
 * A new value is registered; from the annotation that asks for it until a watch shows it in the Secret. The
 * last request to Safe is longer ago than two must be apart.
 */
export async function measureRotate(plan: Plan['rotate'], bench: Bench): Promise<Figures> {
  await using stage = await Stage.start({ kind: bench.kind, gate: false });
  const { cluster, safe } = stage;
  const size = { resources: 1, secrets: 1, secretBytes: 256, namespaces: 1 };
  const workload = new Workload({ ...size, prefix: 'rotate', refreshInterval: '1h' });
  workload.register(safe);
  await workload.createNamespaces(cluster);
  const agent = await BenchAgent.start(await stage.join('bench'), bench.bundle);
  await using _ = agent;
  await workload.create(cluster);
  const { namespace, name } = workload.resources[0]!.metadata;
  await awaitObject(cluster.admin, vssPath(namespace, name), isReady);

  const samples: number[] = [];
  for (let repetition = 0; repetition < plan.repetitions; repetition++) {
    await sleep(Math.max(0, safe.reads.at(-1)!.at + FLOOR_MS + 100 - Date.now()));
    const password = `rotated-${repetition}`;
    const value = JSON.stringify({ cocaCola: { data: { username: 'root', password } } });
    await safe.register({ name: 'raw:rotate-0', value, namespaces: [namespace] });
    const encoded = Buffer.from(password).toString('base64');
    const there = awaitObject(
      cluster.admin,
      secretPath(namespace, name),
      (secret) => secret?.data.password === encoded,
    ).then(() => performance.now());
    // The watch opens first.
    await sleep(100);
    const from = performance.now();
    const annotations = { 'vsecm.com/refresh': `${repetition}` };
    await cluster.admin.ok('PATCH', vssPath(namespace, name), { metadata: { annotations } }, MERGE);
    samples.push((await there) - from);
  }
  await agent.stop();
  return { 'rotate.valueToSecretMs': samples };
}
