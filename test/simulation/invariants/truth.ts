import { stageOf, type Code } from '../../../agent/api/reasons.ts';
import { keyOf } from '../cluster.ts';
import { sourceOf } from '../content.ts';
import { isAgents, type Entry } from '../ledger.ts';
import { BACKOFF_CAP_MS, MOST_SKEW_MS } from '../setting.ts';
import { isAgent, type Invariant } from '../scene.ts';

/** Whatever a hint tells people to do is noticed within about a minute. */
const LIMIT_MS = 75_000;
/** Our fields are put back once a minute while somebody changes them, and calm for ten seconds ends a fight. */
const FIGHT_MS = 75_000 + 10_000;
const CONSENT = 'vsecm.com/allow-adoption';
const OUTSIDE = ['identity', 'connect', 'fetch'];

export const truth: Invariant = {
  name: 'truth',
  says: 'A failure that is told is true, one whose cause has gone is told no longer than a minute or so, and one that lasts is told.',
  watch({ timeline, cluster, safe, ledger, calm, violate }) {
    const untrueSince = new Map<string, { code: string; since: number }>();
    const told = new Set<string>();
    const undoneAt = new Map<string, number>();
    const isTrue = (code: Code, { state, target, resource }: Entry): boolean => {
      const [namespace = '', name = ''] = target.split('/');
      const secret = cluster.get(cluster.secrets, namespace, name);
      switch (stageOf(code)) {
        case 'resolve':
          // Whoever's clock is ahead sees it expire sooner.
          return !safe.has(sourceOf(resource), code === 'Expired' ? MOST_SKEW_MS : 0);
        case 'write':
          if (code === 'TargetMissing') return secret === undefined;
          if (code === 'TargetContested')
            return timeline.now - (undoneAt.get(target) ?? -Infinity) < FIGHT_MS;
          if (code !== 'TargetConflict') return false;
          return state === 'contested' || (secret !== undefined && isTheirs(secret, resource));
        default:
          return false;
      }
    };
    const tell = (mark: string, text: string): void => {
      if (told.has(mark)) return;
      told.add(mark);
      violate(text);
    };
    return {
      secret({ now, before }, writer) {
        if (isAgent(writer) || now === undefined || before === undefined) return;
        if (JSON.stringify(now.data) !== JSON.stringify(before.data)) undoneAt.set(keyOf(now), timeline.now);
      },
      beat() {
        const { now } = timeline;
        const well = Math.min(calm('api'), calm('watches'), calm('agents'));
        for (const [key, entry] of ledger.entries) {
          const { resource, state, since, changedAt } = entry;
          const { failure } = resource.status ?? {};
          if (failure === undefined) {
            untrueSince.delete(key);
            const unsaid = Math.min(well, now - since, now - changedAt);
            if (
              (state === 'foreign' || state === 'contested') &&
              unsaid > LIMIT_MS &&
              cluster.get(cluster.secrets, ...namesOf(entry)) !== undefined
            )
              tell(`${key} ${since}`, `${key} does not tell that its target is ${state}`);
            continue;
          }
          const code = failure.code as Code;
          const outside = OUTSIDE.includes(stageOf(code));
          if (outside ? calm('safe') <= 0 : isTrue(code, entry)) {
            untrueSince.delete(key);
            continue;
          }
          const noted = untrueSince.get(key);
          if (noted?.code !== code) untrueSince.set(key, { code, since: now });
          // What is missing in Safe is seen there once Safe answers.
          const seen = stageOf(code) === 'resolve' ? calm('safe') : Infinity;
          const untrueMs = Math.min(well, seen, now - untrueSince.get(key)!.since, now - changedAt);
          // Where Safe was away, its users wait for the next attempt at it.
          const patience =
            outside || calm('safe') < BACKOFF_CAP_MS + LIMIT_MS ? BACKOFF_CAP_MS + LIMIT_MS : LIMIT_MS;
          if (untrueMs > patience)
            tell(
              `${key} ${code} ${untrueSince.get(key)!.since}`,
              `${key} tells ${code} ${Math.round(untrueMs / 1000)} s after its cause has gone`,
            );
        }
      },
    };
  },
};

function namesOf({ target }: Entry): [string, string] {
  const [namespace = '', name = ''] = target.split('/');
  return [namespace, name];
}

/** Whether it is neither an agent's making nor the resource's, and nobody consents. */
function isTheirs(secret: any, { metadata: { uid } }: any): boolean {
  const owned = secret.metadata.ownerReferences?.some((owner: any) => owner.uid === uid) === true;
  return !owned && !isAgents(secret) && secret.metadata.annotations?.[CONSENT] !== 'true';
}
