import { createLog } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import type { Change } from '../../agent/shard/ownership.ts';
import { SharedOwnership } from '../../agent/shard/shared-ownership.ts';
import type { Slice } from '../../agent/shard/slices.ts';
import { FakeClock } from '../fake-clock.ts';
import { members, type State } from './slice.ts';

export const DELAY = 30_000;
export const namespaces = Array.from({ length: 200 }, (_, i) => `preview-pr-${1000 + i}`);

/** The ownership of the agent on `node`; `slices.now` is what the API server would list. */
export function agent(node: string, slices: { now: readonly Slice[] }, clock: FakeClock, maxOwners = 0) {
  const lines: Record<string, unknown>[] = [];
  const changes: Change[] = [];
  const metrics = createMetrics();
  const ownership = new SharedOwnership({
    node,
    pod: `agent-${node}`,
    maxOwners,
    handoffDelayMs: DELAY,
    list: async () => slices.now,
    watchedAt: () => clock.now(),
    namespaces: () => [...namespaces, ...namespaces],
    clock,
    metrics,
    log: createLog('info', {}, { write: (line) => lines.push(JSON.parse(line)) }),
    random: () => 0.5,
  });
  ownership.onChange((change) => changes.push(change));
  const owned = (last?: string): string[] => namespaces.filter((name) => ownership.owns(name, last));
  return { ownership, owned, changes, lines, metrics };
}

export function fleet(nodes: string[], clock = new FakeClock()) {
  const slices = { now: [] as readonly Slice[] };
  const agents = new Map(nodes.map((node) => [node, agent(node, slices, clock)]));
  const see = (states: Record<string, State>): void => {
    slices.now = members(states);
    for (const [node, { ownership }] of agents) if (states[node]) ownership.observe(slices.now);
  };
  const ownersOf = (name: string, last?: string): string[] =>
    nodes.filter((node) => agents.get(node)!.ownership.owns(name, last));
  return { clock, slices, agents, see, ownersOf };
}

export const ready = (...nodes: string[]): Record<string, State> =>
  Object.fromEntries(nodes.map((node) => [node, 'ready' as const]));
