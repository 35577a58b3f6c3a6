import type { Invariant, Watched } from '../scene.ts';

/** After so long without a word of Safe the condition must have turned. */
const SLACK_MS = 90_000;
const LIMIT_MS = 15 * 60_000;

export const staleness: Invariant = {
  name: 'staleness',
  says: 'Fresh is true only of content that there is, and that Safe could confirm within maxStaleness.',
  watch({ timeline, safe, ledger, agents, calm, violate }) {
    let awaySince = Infinity;
    const told = new Set<string>();
    return {
      beat() {
        const { now } = timeline;
        if (safe.weather.is === 'well' || safe.weather.is === 'slow') awaySince = Infinity;
        else awaySince = Math.min(awaySince, now);
        const well = Math.min(calm('api'), calm('watches'), calm('agents'));
        for (const [key, { resource, state }] of ledger.entries) {
          if (resource.spec.maxStaleness === undefined || state === 'suspended') continue;
          const { conditions = [], lastSyncTime } = resource.status ?? {};
          const fresh = conditions.find((one: any) => one.type === 'Fresh');
          if (fresh?.status !== 'True' || told.has(key)) continue;
          const { generation } = resource.metadata;
          if (
            state === 'absent' &&
            lastSyncTime === undefined &&
            resource.status.observedGeneration === generation
          ) {
            told.add(key);
            violate(`${key} is Fresh though it never had content`);
          } else if (
            now - awaySince > LIMIT_MS + SLACK_MS &&
            well > SLACK_MS &&
            knowsSince(agents, resource.status.node) < awaySince
          ) {
            told.add(key);
            violate(
              `${key} is Fresh though Safe has been away for ${Math.round((now - awaySince) / 1000)} s`,
            );
          }
        }
      },
    };
  },
};

/** Since when the agent of a node has known what it knows: who begins anew cannot tell when Safe last answered. */
function knowsSince(agents: ReadonlyMap<string, Watched>, node: string): number {
  const serving = [...agents.values()].filter((agent) => agent.node === node && agent.process.alive);
  return Math.max(...serving.map(({ viewSince }) => viewSince));
}
