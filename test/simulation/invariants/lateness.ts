import { keyOf } from '../cluster.ts';
import { contentOf, sourceOf } from '../content.ts';
import { BACKOFF_CAP_MS, FLOOR_MS } from '../setting.ts';
import type { Invariant } from '../scene.ts';

const SLACK_MS = 10_000;
const CHANGE_MS = FLOOR_MS + 15_000;
/** How long an agent lets a status be that another has written. */
const YIELD_MS = 60_000;
/** Where watches tell nothing, what is listed instead shows it. */
const BLIND_MS = 240_000;
/** Looked at every so many beats: intervals are minutes. */
const EVERY = 10;

export const lateness: Invariant = {
  name: 'lateness',
  says: 'A change of a resource is served within seconds or its failure told, a change in Safe within the interval and a tenth.',
  watch({ timeline, cluster, safe, ledger, calm, violate }) {
    const told = new Set<string>();
    let beats = 0;
    /** When a resource was last told to be served by another agent than before. */
    const moved = new Map<string, number>();
    return {
      resource({ now, before }) {
        const last = before?.status?.node;
        if (now && last !== undefined && last !== now.status?.node) moved.set(keyOf(now), timeline.now);
      },
      beat() {
        if (++beats % EVERY > 0) return;
        const { now } = timeline;
        const well = Math.min(calm('api'), calm('agents'));
        for (const [key, { state, changedAt, resource, target }] of ledger.entries) {
          const { generation } = resource.metadata;
          const unseen = Math.min(well, now - changedAt);
          // Whoever saw another write the status lets it be for a minute.
          const yielded = now - (moved.get(key) ?? -Infinity) < unseen + YIELD_MS ? YIELD_MS : 0;
          const shownMs = yielded + (calm('watches') > unseen ? CHANGE_MS : BLIND_MS);
          const mark = `${key} ${generation}`;
          if (unseen > shownMs && resource.status?.observedGeneration !== generation && !told.has(mark)) {
            told.add(mark);
            violate(
              `${key} was changed ${Math.round((now - changedAt) / 1000)} s ago, and its status does not tell of it`,
            );
          }
          if (state !== 'served' || resource.status?.failure?.stage === 'resolve') continue;
          const [namespace = '', name = ''] = target.split('/');
          const content = contentOf(cluster.get(cluster.secrets, namespace, name));
          const secret = sourceOf(resource);
          const interval = millisecondsOf(resource.spec.refreshInterval);
          if (content.is !== 'version' || interval === 0 || !safe.has(secret)) continue;
          const newer = safe.since(secret, content.version + 1);
          const limit = interval * 1.1 + FLOOR_MS + SLACK_MS;
          const behindMs = Math.min(
            calm('watches'),
            well,
            calm('safe') - BACKOFF_CAP_MS,
            now - newer,
            now - changedAt,
          );
          const late = `${key} ${secret}.${content.version + 1}`;
          if (behindMs <= limit || told.has(late)) continue;
          told.add(late);
          violate(
            `${key} still holds ${secret}.${content.version}, ${Math.round((now - newer) / 1000)} s after Safe served a newer one, at an interval of ${resource.spec.refreshInterval}`,
          );
        }
      },
    };
  },
};

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 };

const millisecondsOf = (interval = '1h'): number => {
  const [, number = '0', unit = 's'] = /^(\d+)([smh])$/.exec(interval) ?? [];
  return Number(number) * UNITS[unit]!;
};
