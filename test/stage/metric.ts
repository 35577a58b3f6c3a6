import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningAgent } from './agents.ts';

/** A number of the agent's metrics (`vsecm_agent_NAME`), summed over labels that are not in `labels`. */
export async function metric(
  agent: RunningAgent,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${await agent.port()}/metrics`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return (await response.text())
    .split('\n')
    .filter((line) => /^([a-z_]+)[{ ]/.exec(line)?.[1] === `vsecm_agent_${name}`)
    .filter((line) => wanted.every((pair) => line.includes(pair)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Resolves once the agent has looked at `count` resources and found them right. */
export async function untilSynced(agent: RunningAgent, count: number): Promise<void> {
  // A counter tells nobody that it grew.
  while ((await metric(agent, 'reconciles_total', { code: 'Synced' })) < count) await sleep(50);
}
