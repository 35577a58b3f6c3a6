import { setInterval } from 'node:timers/promises';
import { request } from 'undici';
import { Stage } from '../../test/stage/stage.ts';
import { electedBefore, writtenSlice } from '../../test/stage/written-slice.ts';
import { BenchAgent } from './bench-agent.ts';
import type { Figures } from './figure.ts';
import type { Bench, Plan } from './plan.ts';

const NODE = 'bench';
/** More than own namespaces and stand by, so that this agent does neither. */
const ELECTED = 40;
/** As the manifest probes readiness. */
const PROBE_EVERY_MS = 5_000;

/** An agent of a fleet that owns nothing, as most nodes have it: it reads its members now and then, and answers probes. */
export async function measureOther(plan: Plan['other'], bench: Bench): Promise<Figures> {
  await using stage = await Stage.start({ kind: bench.kind, gate: false });
  await stage.cluster.apply(writtenSlice([NODE, ...electedBefore(NODE, ELECTED)]));
  const env = await stage.join(NODE, { VSECM_AGENT_SERVICE: 'vsecm-agent' });
  await using agent = await BenchAgent.start(env, bench.bundle);
  const begun = await agent.metrics();
  if (begun.sum('vsecm_agent_role', (labels) => labels.includes('"other"')) !== 1)
    throw new Error('the agent has another role than "other"');
  for await (const _ of setInterval(Math.min(PROBE_EVERY_MS, plan.idleMs))) {
    const { body } = await request(`http://127.0.0.1:${agent.port}/readyz`);
    await body.dump();
    if (performance.now() - begun.at >= plan.idleMs) break;
  }
  const { at, cpuMicros, rssMib } = await agent.metrics();
  await agent.stop();
  const cpuShare = (cpuMicros - begun.cpuMicros) / 1000 / (at - begun.at);
  return { 'memory.otherMiB': [rssMib], 'idle.cpuMsPerHour': [cpuShare * 3_600_000] };
}
