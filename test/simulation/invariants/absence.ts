import { keyOf } from '../cluster.ts';
import { sourceOf } from '../content.ts';
import { BACKOFF_CAP_MS, FLOOR_MS } from '../setting.ts';
import { isAgent, type Invariant } from '../scene.ts';

/** Beyond the lag of caches, which is a trouble of its own. */
const LIMIT_MS = FLOOR_MS + 7_000;

/** How long a look for what is missing in Safe may take. */
const LOOK_MS = 75_000;

export const absence: Invariant = {
  name: 'absence',
  says: 'While a live resource names a Secret and its content is known, the Secret is not absent for longer than the floor and some seconds.',
  watch({ timeline, ledger, safe, calm, agents, violate }) {
    const told = new Map<string, number>();
    /** Which process last wrote a Secret, and from what. */
    const writers = new Map<string, { pod: string; at: number; term: number; source: number }>();
    const isKnown = (target: string, source: number): boolean => {
      const last = writers.get(target);
      const agent = agents.get(last?.pod ?? '');
      return (
        last?.source === source &&
        agent?.process.alive === true &&
        agent.startedAt < last.at &&
        agent.viewSince < last.at &&
        agent.shown.term === last.term
      );
    };
    return {
      secret({ now }, writer) {
        // Until its writer knows: an answer that is lost leaves open who wrote.
        if (now !== undefined && isAgent(writer)) writers.delete(keyOf(now));
      },
      arrives({ pod, shown }, info, { status, shows: [object] = [] }) {
        if (info.verb !== 'patch' || info.resource !== 'secrets' || status >= 300 || object === undefined)
          return;
        const owner = ledger.entries.get(`${info.namespace}/${object.metadata.ownerReferences?.[0]?.name}`);
        if (owner === undefined) return;
        const source = sourceOf(owner.resource);
        writers.set(owner.target, { pod, at: timeline.now, term: shown.term, source });
      },
      beat() {
        const well = Math.min(calm('api'), calm('watches'), calm('agents'));
        for (const [key, { state, since, changedAt, resource, target }] of ledger.entries) {
          if (state !== 'absent' || resource.spec.target?.creationPolicy === 'Merge') continue;
          const absentMs = Math.min(timeline.now - since, well, timeline.now - changedAt);
          if (absentMs <= LIMIT_MS || told.get(key) === since) continue;
          const source = sourceOf(resource);
          // What Safe has not, or has had for a moment only, has no content; what was missed there is looked for.
          const missed = resource.status?.failure?.stage === 'resolve' ? LOOK_MS : 0;
          const hadMs = timeline.now - safe.since(source, safe.versionOf(source));
          if (!safe.has(source) || hadMs < LIMIT_MS + missed) continue;
          // Who is new or changed wants an answer of its own; who was there when the Secret went has one.
          const wasThere = since > changedAt && isKnown(target, source);
          if (calm('safe') <= BACKOFF_CAP_MS + LIMIT_MS && !wasThere) continue;
          told.set(key, since);
          const { conditions = [], failure } = resource.status ?? {};
          const ready = conditions.find((one: any) => one.type === 'Ready')?.status;
          violate(
            `${target} has been absent for ${Math.round((timeline.now - since) / 1000)} s, named by ${key}, Ready=${ready} ${failure?.code ?? ''}`,
          );
        }
      },
    };
  },
};
