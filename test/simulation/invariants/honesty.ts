import { FLOOR_MS, STATUS_PACE_MS } from '../setting.ts';
import type { Invariant } from '../scene.ts';

const LIMIT_MS = FLOOR_MS + STATUS_PACE_MS + 7_000;

export const honesty: Invariant = {
  name: 'honesty',
  says: 'Ready is not true for longer than some seconds of a Secret that is absent or does not hold what its resource says.',
  watch({ timeline, ledger, calm, violate }) {
    const told = new Map<string, number>();
    return {
      beat() {
        const well = Math.min(calm('api'), calm('watches'), calm('agents'));
        for (const [key, { state, since, changedAt, resource, target }] of ledger.entries) {
          if (state !== 'absent' && state !== 'wrong') continue;
          const wrongMs = Math.min(timeline.now - since, well, timeline.now - changedAt);
          if (wrongMs <= LIMIT_MS || told.get(key) === since) continue;
          const ready = resource.status?.conditions?.find((one: any) => one.type === 'Ready')?.status;
          if (ready !== 'True') continue;
          told.set(key, since);
          violate(
            `${key} is Ready though ${target} has been ${state} for ${Math.round((timeline.now - since) / 1000)} s`,
          );
        }
      },
    };
  },
};
