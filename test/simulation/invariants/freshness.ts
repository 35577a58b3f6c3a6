import { keyOf } from '../cluster.ts';
import { contentOf } from '../content.ts';
import { isAgents } from '../ledger.ts';
import { isAgent, type Invariant } from '../scene.ts';

/** A tenth of the longest interval counts as 30 s. */
const TOLERANCE_MS = 33_000;
const CONSENT = 'vsecm.com/allow-adoption';

export const freshness: Invariant = {
  name: 'freshness',
  says: 'What is first written after a resource was made or changed, or a Secret was consented to, is what Safe served at most half a minute before.',
  watch({ timeline, safe, ledger, agents, calm, violate }) {
    /** Whether the writer knows the resource as it is now. */
    const hasSeen = (pod: string, { metadata }: any): boolean => {
      const key = `${metadata.namespace}/${metadata.ownerReferences?.[0]?.name}`;
      const shown = agents.get(pod)?.shown.resources.get(key);
      const { uid, generation } = ledger.entries.get(key)?.resource.metadata ?? {};
      return shown?.metadata.uid === uid && shown?.metadata.generation === generation;
    };
    const askedAt = new Map<string, number>();
    /** Secrets that stood there once: what is known serves the successor of a resource whose Secret was lost. */
    const lost = new Set<string>();
    return {
      resource({ now, before }) {
        if (now === undefined) return;
        if (
          before?.metadata.uid === now.metadata.uid &&
          before.metadata.generation === now.metadata.generation
        )
          return;
        const entry = ledger.entries.get(keyOf(now));
        if (entry) askedAt.set(entry.target, timeline.now);
      },
      secret({ now, before }, writer) {
        if (now === undefined) return void lost.add(keyOf(before));
        const key = keyOf(now);
        if (before === undefined && lost.has(key) && isAgent(writer)) return void askedAt.delete(key);
        if (!isAgent(writer)) {
          const consented = now.metadata.annotations?.[CONSENT] === 'true';
          if (consented && before?.metadata.annotations?.[CONSENT] !== 'true') askedAt.set(key, timeline.now);
          return;
        }
        const at = askedAt.get(key);
        if (at === undefined || !hasSeen(writer, now)) return;
        askedAt.delete(key);
        const content = contentOf(now);
        // What somebody edited is put back from what is known.
        const edited = before !== undefined && isAgents(before) && contentOf(before).is !== 'version';
        if (content.is !== 'version' || edited) return;
        // While Safe is away what is known serves.
        if (calm('safe') < timeline.now - at + 330_000) return;
        const replacedAt = safe.since(content.secret, content.version + 1);
        if (replacedAt < at - TOLERANCE_MS)
          violate(
            `${key} got ${content.secret}.${content.version} from ${writer}, which Safe had replaced ${Math.round((at - replacedAt) / 1000)} s before it was asked for`,
          );
      },
    };
  },
};
