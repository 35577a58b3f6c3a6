import { keyOf, targetOf } from '../cluster.ts';
import { isAgent, type Invariant } from '../scene.ts';

export const holding: Invariant = {
  name: 'holding',
  says: 'A resource that owns a Secret and still names it, as the agent was shown, keeps it.',
  watch({ agents, violate }) {
    return {
      secret({ now, before }, writer) {
        if (now === undefined || before === undefined || !isAgent(writer)) return;
        const holds = new Set<string>((now.metadata.ownerReferences ?? []).map(({ uid }: any) => uid));
        const lost = (before.metadata.ownerReferences ?? []).filter(({ uid }: any) => !holds.has(uid));
        for (const { name, uid } of lost) {
          const held = agents.get(writer)?.shown.resources.get(`${now.metadata.namespace}/${name}`);
          if (held?.metadata.uid !== uid || held.metadata.deletionTimestamp !== undefined) continue;
          // Under another policy than Owner it gives up its reference itself.
          if ((held.spec.target?.creationPolicy ?? 'Owner') !== 'Owner') continue;
          if (targetOf(held) === now.metadata.name)
            violate(`${writer} took ${keyOf(now)} from ${name}, which still names it`);
        }
      },
    };
  },
};
