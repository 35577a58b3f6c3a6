import type { Invariant, Watched } from '../scene.ts';
import { FLOOR_MS } from '../setting.ts';

const WINDOW_MS = 600_000;

/** How often something may be in ten minutes. */
const MOST = {
  /** A few at once, then one a minute. */
  refusedWrites: 20,
  /** Over all agents, beyond what people cause. */
  statuses: 60,
  /** With a backoff of up to 30 s. */
  openings: 60,
};

export const pace: Invariant = {
  name: 'pace',
  says: 'Requests are bounded: Safe once per floor and agent, a write that is refused once a minute after the first few, statuses per resource over all agents, watches that cannot be opened.',
  watch({ timeline, violate }) {
    const counts = new Map<string, number[]>();
    const safeAt = new WeakMap<Watched, number>();
    const count = (what: keyof typeof MOST, about: string): void => {
      const key = `${what} ${about}`;
      const since = timeline.now - WINDOW_MS;
      const recent = (counts.get(key) ?? []).filter((at) => at > since);
      recent.push(timeline.now);
      counts.set(key, recent);
      if (recent.length <= MOST[what]) return;
      counts.delete(key);
      violate(`${recent.length} ${what} in ten minutes: ${about}`);
    };
    return {
      asksSafe(agent) {
        const last = safeAt.get(agent);
        safeAt.set(agent, timeline.now);
        if (last !== undefined && timeline.now - last < FLOOR_MS - 2)
          violate(`${agent.pod} asks Safe ${Math.round(timeline.now - last)} ms after the last time`);
      },
      leaves({ pod }, info) {
        if (info.verb === 'patch' && info.subresource === 'status') {
          count('statuses', `${info.namespace}/${info.name}`);
        }
        if (info.verb === 'watch') count('openings', `${info.resource} by ${pod}`);
      },
      arrives({ pod }, info, { status }) {
        if (info.verb === 'patch' && info.resource === 'secrets' && status !== 409 && status >= 400)
          count('refusedWrites', `${info.namespace}/${info.name} by ${pod}, ${status}`);
      },
    };
  },
};
