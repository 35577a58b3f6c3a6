import { isOutside } from '../api/reasons.ts';
import type { Outline } from '../api/vsecmsecret.ts';
import type { At } from './known.ts';
import type { Verdict } from './verdict.ts';
import type { View } from './view.ts';

/** How old an answer may be for a resource that is new or due: a tenth of its interval, 30 s at most. Milliseconds. */
export const toleranceOf = (intervalMs: number): number => Math.min(30_000, intervalMs / 10);

/** Whether a refresh was asked for by annotation and its attempt has not ended. */
export function isForced({ facts: { refresh }, safe: { failing } }: View): boolean {
  return !refresh.handled && !(failing && failing.attemptedAt >= refresh.seenAt);
}

/**
 * An answer of Safe must have been begun at or after this instant to be used. Its branches are the rows of the table
 * in ARCHITECTURE.md.
 */
export function needAfter(view: View, spec: Outline, verdict: Verdict): At {
  const { facts, target, safe } = view;
  const must = [
    // A refresh that somebody asked for.
    isForced(view) ? facts.refresh.seenAt : -Infinity,
    // What another agent may have written is only written over from an answer begun after that was seen.
    target.agentWroteAt ?? -Infinity,
    // Nor from one that is older than what is in the Secret.
    facts.wrote?.answerBegunAt ?? -Infinity,
  ];
  // Somebody else's Secret that is taken over gets what Safe has now.
  const adopts = verdict.is === 'there' && verdict.whose === 'consented' && verdict.as === 'other';
  if (adopts) must.push(verdict.since - toleranceOf(spec.refreshIntervalMs));
  // A new or changed resource; what is known serves where a Secret was lost or edited, and while Safe is away.
  const isEdit =
    verdict.is === 'there' && verdict.as === 'edited' && facts.wrote?.generation === facts.generation;
  const known = verdict.is === 'absent' ? verdict.lost : isEdit;
  if (!known && !safe.failing) must.push(facts.seenAt - toleranceOf(spec.refreshIntervalMs));
  return Math.max(...must);
}

/**
 * Whether Safe has confirmed the content within `maxStaleness`, and when that will cease; `undefined` where the resource
 * does not ask.
 */
export function confirmation(
  { now, wall, facts, safe, resource }: View,
  { maxStalenessMs }: Outline,
  right: boolean,
): { fresh: boolean; until: At } | undefined {
  if (maxStalenessMs === undefined) return undefined;
  const { wrote } = facts;
  const confirmedAt =
    wrote && (right ? Math.max(safe.confirmedAt ?? -Infinity, wrote.answerBegunAt) : wrote.answerBegunAt);
  if (confirmedAt !== undefined)
    return { fresh: now < confirmedAt + maxStalenessMs, until: confirmedAt + maxStalenessMs };
  // After a restart the status remembers since when Safe has been failing.
  const { failure, secret } = resource.status;
  const told = failure && isOutside(failure.code) ? now + Date.parse(failure.since) - wall : NaN;
  const since = Number.isNaN(told) ? (safe.failing?.since ?? now) : told;
  // Who failed otherwise does not remember.
  const remembers = secret !== undefined && (!failure || !Number.isNaN(told));
  return { fresh: remembers && now < since + maxStalenessMs, until: since + maxStalenessMs };
}
