import { keyOf } from '../cluster.ts';
import { contentOf } from '../content.ts';
import { isAgent, type Invariant } from '../scene.ts';

const WINDOW_MS = 600_000;
/** So many times undone in ten minutes is no accident. */
const ROUNDS = 20;

export const fight: Invariant = {
  name: 'fight',
  says: 'When somebody undoes what an agent writes, again and again, the resource tells it.',
  watch({ timeline, ledger, violate }) {
    const undone = new Map<string, number[]>();
    const warned = new Map<string, number>();
    return {
      leaves(_agent, info, body) {
        if (info.resource === 'events' && body?.type === 'Warning')
          warned.set(`${info.namespace}/${body.regarding?.name}`, timeline.now);
      },
      secret({ now, before }, writer) {
        if (now === undefined || before === undefined || isAgent(writer)) return;
        if (contentOf(before).is !== 'version' || contentOf(now).is === 'version') return;
        // Who has it now answers for what is done to it now.
        const owner = now.metadata.ownerReferences?.[0]?.uid ?? '';
        const key = `${keyOf(now)} ${owner}`;
        const since = timeline.now - WINDOW_MS;
        const recent = (undone.get(key) ?? []).filter((at) => at > since);
        recent.push(timeline.now);
        undone.set(key, recent);
        if (recent.length < ROUNDS) return;
        undone.delete(key);
        for (const { metadata, status } of ledger.naming(keyOf(now))) {
          const name = `${metadata.namespace}/${metadata.name}`;
          const quiet = (warned.get(name) ?? -Infinity) < since;
          const content =
            status?.conditions?.every((one: any) => one.type === 'Stalled' || one.status === 'True') ?? true;
          if (quiet && content && status?.failure === undefined)
            violate(
              `${keyOf(now)} was undone ${recent.length} times in ten minutes by ${writer}, and ${name} says nothing of it`,
            );
        }
      },
    };
  },
};
