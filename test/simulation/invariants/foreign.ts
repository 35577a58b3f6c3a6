import { keyOf } from '../cluster.ts';
import { isAgents } from '../ledger.ts';
import { isAgent, type Invariant } from '../scene.ts';

const CONSENT = 'vsecm.com/allow-adoption';

/** Whether a write changed bytes that agents did not own, or whose Secret it is. */
function takes(before: any, now: any): boolean {
  if (JSON.stringify(now.metadata.ownerReferences) !== JSON.stringify(before.metadata.ownerReferences))
    return true;
  const ours = new Set(
    (before.metadata.managedFields ?? [])
      .filter(({ manager }: any) => manager === 'vsecm-agent')
      .flatMap(({ fieldsV1 }: any) => Object.keys(fieldsV1['f:data'] ?? {})),
  );
  const keys = Object.keys({ ...before.data, ...now.data });
  return keys.some(
    (key) =>
      before.data?.[key] !== undefined && before.data[key] !== now.data?.[key] && !ours.has(`f:${key}`),
  );
}

/** Versions of Secrets that are remembered, to see what an agent had judged by. */
const REMEMBERED = 10_000;

export const foreign: Invariant = {
  name: 'foreign',
  says: "A Secret that is neither an agent's making nor owned by its resource is changed only with the consent that stands in it, and never deleted.",
  watch({ violate }) {
    /** By resourceVersion. */
    const versions = new Map<string, any>();
    /** The version that a write under way is to replace, by pod and Secret. */
    const over = new Map<string, string | undefined>();
    return {
      leaves({ pod }, info, body) {
        if (info.resource !== 'secrets' || info.verb === 'get') return;
        const { metadata, preconditions } = body ?? {};
        over.set(
          `${pod} ${info.namespace}/${info.name}`,
          metadata?.resourceVersion ?? preconditions?.resourceVersion,
        );
      },
      secret({ now, before }, writer) {
        if (now !== undefined) versions.set(now.metadata.resourceVersion, now);
        if (versions.size > REMEMBERED) versions.delete(versions.keys().next().value!);
        if (before === undefined || !isAgent(writer)) return;
        const owners: any[] = before.metadata.ownerReferences ?? [];
        if (isAgents(before) || owners.some(({ kind }) => kind === 'VSecMSecret')) return;
        if (now === undefined)
          return violate(`${keyOf(before)}, which is somebody else's, was deleted by ${writer}`);
        if (!takes(before, now)) return;
        const judged = versions.get(over.get(`${writer} ${keyOf(before)}`) ?? '') ?? before;
        if (judged.metadata.annotations?.[CONSENT] !== 'true')
          violate(`${keyOf(before)}, which is somebody else's, was written by ${writer} without consent`);
      },
    };
  },
};
