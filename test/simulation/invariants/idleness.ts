import type { RequestInfo } from '../../devcluster/request-info.ts';
import { keyOf, targetOf } from '../cluster.ts';
import { isAgent, type Invariant, type Watched } from '../scene.ts';

export const idleness: Invariant = {
  name: 'idleness',
  says: 'No Secret is written without a change, but for one apply per resource and term of duty, or after an answer that was lost.',
  watch({ timeline, agents, violate }) {
    /** The second of the last change of each Secret. */
    const seconds = new Map<string, number>();
    /** By agent: what was applied in this term, and how many writes are under way. */
    const known = new WeakMap<Watched, { term: number; viewSince: number; applied: Map<string, number> }>();
    const forget = (applied: Map<string, number> | undefined, key: string): void => {
      for (const spec of applied?.keys() ?? []) if (spec.startsWith(`${key} of `)) applied?.delete(spec);
    };
    const underWay = new WeakMap<Watched, Map<string, any>>();
    return {
      secret({ now }, writer) {
        if (now === undefined) return;
        const key = keyOf(now);
        const second = Math.floor(timeline.now / 1000);
        const again = seconds.get(key) === second;
        seconds.set(key, second);
        // What another agent wrote, or who wrote second within a second, cannot be told from metadata.
        for (const agent of agents.values())
          if (again || (isAgent(writer) && agent.pod !== writer)) forget(known.get(agent)?.applied, key);
      },
      leaves(agent, info, body) {
        if (info.verb !== 'patch' || info.resource !== 'secrets') return;
        const key = `${info.namespace}/${info.name}`;
        const sent = underWay.get(agent) ?? new Map();
        underWay.set(agent, sent);
        // The answer to the last one never came: this one makes sure.
        if (sent.has(key)) forget(known.get(agent)?.applied, key);
        sent.set(key, body);
      },
      arrives(agent, info, { status, shows: [object] = [] }) {
        if (info.verb !== 'patch' || info.resource !== 'secrets') return;
        const key = `${info.namespace}/${info.name}`;
        const body = underWay.get(agent)?.get(key);
        underWay.get(agent)?.delete(key);
        let terms = known.get(agent);
        if (terms === undefined || terms.term !== agent.shown.term || terms.viewSince !== agent.viewSince) {
          terms = { term: agent.shown.term, viewSince: agent.viewSince, applied: new Map() };
          known.set(agent, terms);
        }
        if (status >= 300 || object === undefined) return void forget(terms.applied, key);
        const unchanged = body?.metadata.resourceVersion === object.metadata.resourceVersion;
        const spec = `${key} of ${specOf(agent, info)}`;
        const applied = (terms.applied.get(spec) ?? 0) + 1;
        terms.applied.set(spec, applied);
        if (unchanged && applied > 1)
          violate(`${agent.pod} writes ${key} without a change, the ${applied}th write of its term`);
      },
    };
  },
};

/** Which resource a write is for, and which of its specs: a changed one is applied once, whatever it changes. */
function specOf({ shown }: Watched, { namespace, name }: RequestInfo): string {
  return [...shown.resources.values()]
    .filter((one) => one.metadata.namespace === namespace && targetOf(one) === name)
    .map(({ metadata }) => `${metadata.uid} ${metadata.generation}`)
    .join();
}
