import { FLOOR_MS } from '../setting.ts';
import type { Invariant } from '../scene.ts';

/** Beyond the lag of caches, which is part of the calm. */
const LIMIT_MS = FLOOR_MS + 7_000;

export const absence: Invariant = {
  name: 'absence',
  says: 'While a live resource names a Secret and its content is known, the Secret is not absent for longer than the floor and some seconds.',
  watch({ timeline, ledger, calm, agents, violate }) {
    const told = new Map<string, number>();
    return {
      beat() {
        const well = Math.min(calm('api'), calm('agents'));
        for (const [key, { state, since, changedAt, resource, target }] of ledger.entries) {
          if (state !== 'absent') continue;
          const absentMs = Math.min(timeline.now - since, well, timeline.now - changedAt);
          if (absentMs <= LIMIT_MS || told.get(key) === since) continue;
          if (calm('safe') <= LIMIT_MS && !known(resource, agents, since)) continue;
          if (
            resource.status?.failure !== undefined &&
            calm('safe') > 90_000 &&
            resource.status.failure.code !== 'SafeUnreachable'
          ) {
            // What cannot be resolved has no content.
            if (!['TargetConflict', 'ApiUnavailable'].includes(resource.status.failure.code)) continue;
          }
          told.set(key, since);
          const ready = resource.status?.conditions?.find((one: any) => one.type === 'Ready')?.status;
          violate(
            `${target} has been absent for ${Math.round((timeline.now - since) / 1000)} s, named by ${key}, Ready=${ready} ${resource.status?.failure?.code ?? ''}`,
          );
        }
      },
    };
  },
};

/** Whether the agent that serves the resource has served it since before the Secret went. */
function known(
  resource: any,
  agents: ReadonlyMap<string, { node: string; startedAt: number; process: { alive: boolean } }>,
  since: number,
): boolean {
  const { node, lastSyncTime } = resource.status ?? {};
  if (lastSyncTime === undefined) return false;
  const at = Date.parse(lastSyncTime);
  return [...agents.values()].some(
    (agent) => agent.node === node && agent.process.alive && agent.startedAt < at && at < since,
  );
}
