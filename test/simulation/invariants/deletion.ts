import { targetOf } from '../cluster.ts';
import type { Invariant } from '../scene.ts';

export const deletion: Invariant = {
  name: 'deletion',
  says: 'An agent deletes a Secret only for the resource that owns it, and only if no live resource that it was shown names it.',
  watch({ cluster, violate }) {
    return {
      leaves({ pod, shown }, info, body) {
        if (info.verb !== 'delete' || info.resource !== 'secrets') return;
        const key = `${info.namespace}/${info.name}`;
        const shownLive = [...shown.resources.values()].filter(
          ({ metadata }) => metadata.namespace === info.namespace && metadata.deletionTimestamp === undefined,
        );
        const naming = shownLive.filter((resource) => targetOf(resource) === info.name);
        for (const { metadata } of naming)
          violate(`${pod} deletes ${key}, though it was shown that ${metadata.name} names it`);
        const secret = cluster.get(cluster.secrets, info.namespace, info.name);
        if (secret?.metadata.uid !== body?.preconditions?.uid) return;
        const owners: string[] = (secret?.metadata.ownerReferences ?? []).map(({ uid }: any) => uid);
        const owner = shownLive.find(({ metadata }) => owners.includes(metadata.uid));
        if (secret !== undefined && owner === undefined)
          violate(`${pod} deletes ${key}, which no resource owns that it was shown`);
        if (owner?.spec.suspend === true)
          violate(`${pod} deletes ${key}, though it was shown that ${owner.metadata.name} is suspended`);
      },
    };
  },
};
