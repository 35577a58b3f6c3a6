import type { SecretMeta } from '../api/secret-meta.ts';
import type { Outline } from '../api/vsecmsecret.ts';
import { isReady } from '../api/vsecmsecret.ts';
import type { View } from './view.ts';

/** How the target stands, judged once for all that follows. */
export type Verdict =
  /** Nobody knows: it has to be looked up. */
  | { readonly is: 'unsure' }
  /** Nothing is there, as far as is known; `lost`: something was. */
  | { readonly is: 'absent'; readonly lost: boolean }
  | {
      readonly is: 'there';
      readonly meta: SecretMeta;
      /** When it was seen so. */
      readonly since: number;
      /**
       * `ours`: this resource owns it, or an agent made it. `consented`: somebody else's, who lets the agents write it,
       * as it stands now, whoever wrote what into it before.
       */
      readonly whose: 'ours' | 'consented' | 'theirs';
      /**
       * `written`: as this process wrote it. `edited`: somebody changed what this process wrote, and no agent did since.
       * `other`: this process did not write it, or not last.
       */
      readonly as: 'written' | 'edited' | 'other';
    };

/** After so long a look-up, or the answer to a write, that no watch has borne out is made again, milliseconds. */
export const BORNE_OUT_MS = 60_000;

/** The verdict about the Secret that the spec names. */
export function verdictOf(
  { now, resource, target, facts }: View,
  { target: { creationPolicy } }: Outline,
): Verdict {
  const merges = creationPolicy === 'Merge';
  // A refresh that was asked for since wants to know, too.
  const isOld = (at: number): boolean =>
    now >= at + BORNE_OUT_MS || (!facts.refresh.handled && facts.refresh.seenAt > at);
  switch (target.how) {
    case 'doubted':
      return { is: 'unsure' };
    case 'unknown':
    case 'gone':
      // What is there makes a create fail; a merge has to know.
      return merges ? { is: 'unsure' } : { is: 'absent', lost: target.wasThere };
    case 'absent':
      return merges && isOld(target.at) ? { is: 'unsure' } : { is: 'absent', lost: target.wasThere };
    case 'lookedUp':
      if (isOld(target.at)) return { is: 'unsure' };
  }
  const { meta, at: since } = target;
  const ours = meta.ownerUids.includes(resource.uid) || meta.createdByAgent;
  const whose = ours ? 'ours' : meta.adoptable ? 'consented' : 'theirs';
  const { wrote } = facts;
  const wasWritten = wrote?.name === meta.name && wrote.uid === meta.uid && target.agentWroteAt === undefined;
  // Other fields than ours may have changed, and another version is then as right as ours.
  const untouched = wrote?.ours === meta.ours && wrote.appliedAt === meta.appliedAt;
  const as = !wasWritten ? 'other' : untouched ? 'written' : 'edited';
  return { is: 'there', meta, since, whose, as };
}

/** Whether the target holds what this process last wrote. */
export const isAsWritten = (verdict: Verdict): verdict is Verdict & { is: 'there' } =>
  verdict.is === 'there' && verdict.as === 'written';

/** Whether the status says that the Secret, as the watch shows it, is what the resource's generation asks for. */
export function isProven({ resource: { status, generation }, target }: View): boolean {
  return (
    target.how === 'shown' &&
    status.observedGeneration === generation &&
    status.secret?.name === target.meta.name &&
    status.secret.resourceVersion === target.meta.resourceVersion &&
    isReady(status)
  );
}
