import { Stage } from '../../test/stage/stage.ts';
import { BenchAgent } from './bench-agent.ts';
import type { Figures } from './figure.ts';
import type { Bench, Plan } from './plan.ts';

/** Starts on a cluster without resources, with SPIRE there. */
export async function measureStart(plan: Plan['start'], bench: Bench): Promise<Figures> {
  await using stage = await Stage.start({ kind: bench.kind, gate: false });
  const env = await stage.join('bench');
  const samples: number[] = [];
  for (let repetition = 0; repetition < plan.repetitions; repetition++) {
    await using agent = await BenchAgent.start(env, bench.bundle);
    samples.push(agent.readyMs);
    await agent.stop();
  }
  return { 'start.readyMs': samples };
}
