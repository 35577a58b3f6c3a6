import { targetOf } from '../cluster.ts';
import type { Invariant, Watched } from '../scene.ts';
import { FLOOR_MS } from '../setting.ts';

const WINDOW_MS = 600_000;

/** From so many refusals on, the backoff of watches is at its longest, 30 s with full jitter: so many waits never come out shorter. */
const REFUSALS = 15;
const ROUND = 10;
const LEAST_WAIT_MS = 1_000;

/** How often something may be in ten minutes. */
const MOST = {
  /** A few at once, then one a minute. */
  refusedWrites: 30,
  /** Over all agents, beyond what people cause. */
  statuses: 60,
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
    /** By agent and kind: refusals in a row, when the last one came, and how long was waited after each. */
    const refused = new WeakMap<Watched, Map<string, { since: number; waits: number[] }>>();
    const fail = (agent: Watched, resource: string, status: number): void => {
      const all = refused.get(agent) ?? new Map();
      refused.set(agent, all);
      if (status >= 200 && status < 300) all.delete(resource);
      else all.set(resource, { waits: [], ...all.get(resource), since: timeline.now });
    };
    const rest = (agent: Watched, resource: string): void => {
      const last = refused.get(agent)?.get(resource);
      if (last === undefined) return;
      last.waits.push(timeline.now - last.since);
      if (last.waits.length < REFUSALS) return;
      const waited = last.waits.slice(-ROUND).reduce((sum, ms) => sum + ms, 0);
      if (waited >= ROUND * LEAST_WAIT_MS) return;
      refused.get(agent)!.delete(resource);
      violate(
        `${agent.pod} asks for ${resource} ${ROUND} times with ${Math.round(waited / ROUND)} ms between, after ${REFUSALS} refusals`,
      );
    };
    return {
      asksSafe(agent) {
        const last = safeAt.get(agent);
        // By its own clock, which may be set forward.
        const now = agent.process.now();
        safeAt.set(agent, now);
        if (last !== undefined && now - last < FLOOR_MS)
          violate(`${agent.pod} asks Safe ${now - last} ms after the last time`);
      },
      leaves(agent, info) {
        if (info.verb === 'patch' && info.subresource === 'status') {
          count('statuses', `${info.namespace}/${info.name}`);
        }
        if (info.verb === 'watch' || info.verb === 'list') rest(agent, info.resource);
      },
      abandons(agent, info) {
        if (info.verb === 'watch' || info.verb === 'list') fail(agent, info.resource, 0);
      },
      arrives(agent, info, { status }) {
        const { pod } = agent;
        // A 401 is asked again at once, with credentials read anew.
        const counts = status !== 401 && (info.verb === 'watch' || info.verb === 'list');
        if (counts) fail(agent, info.resource, status);
        if (info.verb === 'patch' && info.resource === 'secrets' && status !== 409 && status >= 400)
          count(
            'refusedWrites',
            `${info.namespace}/${info.name} by ${pod}, ${askedOf(agent, info.namespace, info.name)}`,
          );
      },
    };
  },
};

/** What people asked for last of those that name a Secret: a change, or a refresh, is tried at once. */
function askedOf({ shown }: Watched, namespace: string, name: string): string {
  return [...shown.resources.values()]
    .filter((resource) => resource.metadata.namespace === namespace && targetOf(resource) === name)
    .map(
      ({ metadata }) =>
        `generation ${metadata.generation} ${metadata.annotations?.['vsecm.com/refresh'] ?? ''}`,
    )
    .join();
}
