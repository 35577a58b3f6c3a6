import { targetOf } from '../cluster.ts';
import type { Invariant, Watched } from '../scene.ts';

/** How old an agent's view of the members may be that it acts on, milliseconds: a silent watch is noticed and listed anew. */
const VIEW_MS = 150_000;

export const mandate: Invariant = {
  name: 'mandate',
  says: 'An agent writes a Secret or a status only for a resource that is as it was last shown, and of a namespace that is its own by its own view, which is not old.',
  watch({ timeline, cluster, agents, violate }) {
    const inSlices = new Map<string, number>();
    cluster.follow(cluster.slices, ({ now }) => {
      const present = membersOf(now.endpoints);
      for (const pod of agents.keys()) {
        if (present.has(pod)) inSlices.delete(pod);
        else if (!inSlices.has(pod)) inSlices.set(pod, timeline.now);
      }
    });
    const checkView = (agent: Watched, what: string): void => {
      const { pod, process } = agent;
      const { role, present, suspended } = process.work.ownership();
      if (role !== 'owner' || suspended)
        violate(`${pod} ${what} though its role is ${suspended ? 'suspended' : role}`);
      else if (!present) violate(`${pod} ${what} though it saw that it is no member`);
      // One without a Service reads no members: it owns everything.
      if (process.alone) return;
      if (agent.shown.membersListedAt < process.thawedAt)
        violate(`${pod} ${what} before it has read the members again, after it stood still`);
      const goneSince = inSlices.get(pod);
      const unheardMs = timeline.now - agent.shown.membersHeardAt;
      if (goneSince !== undefined && timeline.now - goneSince > VIEW_MS && unheardMs > VIEW_MS)
        violate(`${pod} ${what} though it has been no member for ${seconds(timeline.now - goneSince)}`);
    };
    return {
      asksSafe({ pod, process }) {
        if (!process.identity.holds()) violate(`${pod} asks Safe without an identity`);
      },
      leaves(agent, info, body) {
        const { pod, shown } = agent;
        if (info.verb !== 'patch') return;
        if (info.resource === 'vsecmsecrets')
          return checkView(agent, `writes the status of ${info.namespace}/${info.name}`);
        if (info.resource !== 'secrets') return;
        const what = `writes ${info.namespace}/${info.name}`;
        checkView(agent, what);
        const uid: string | undefined = body.metadata.ownerReferences?.[0]?.uid;
        if (uid === undefined) return;
        const resource = [...shown.resources.values()].find(({ metadata }) => metadata.uid === uid);
        if (resource === undefined)
          return violate(`${pod} ${what} though its resource was not there as shown`);
        const { name, deletionTimestamp } = resource.metadata;
        if (deletionTimestamp !== undefined)
          violate(`${pod} ${what} though it was shown that ${name} is being deleted`);
        if (resource.spec.suspend === true)
          violate(`${pod} ${what} though it was shown that ${name} is suspended`);
        if (targetOf(resource) !== info.name)
          violate(`${pod} ${what} though it was shown that ${name} names ${targetOf(resource)}`);
      },
    };
  },
};

/** The pods that count: those that are ready, or all if none is. */
function membersOf(endpoints: readonly any[]): Set<string> {
  const ready = endpoints.filter(({ conditions }) => conditions.ready);
  return new Set((ready.length > 0 ? ready : endpoints).map(({ targetRef }) => targetRef.name));
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
