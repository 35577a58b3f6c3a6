import { Failure, type Code } from '../api/reasons.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { Facts, Refused, Undone } from './facts.ts';
import type { At } from './known.ts';

/** What a resource that fails by itself waits before it is tried again: a few times soon, then once a minute. */
const BY_ITSELF_MS = [5_000, 15_000, 60_000] as const;
/** Failures that concern the whole server back off a little further, and come in turn from all namespaces (`Retries`). */
const SERVER_FIRST_MS = 1_000;
const SERVER_MAX_MS = 120_000;
/** What a server wishes is heard up to here. */
const LONGEST_WISH_MS = 120_000;
/** So many times the Secret may be found changed between look and write before that is paced. */
const FREE_CONFLICTS = 3;
const CONFLICT_MAX_MS = 60_000;
/** So many edits of the same fields are undone at once; from then on each waits longer. */
const FREE_REPAIRS = 3;
const REPAIR_MAX_MS = 60_000;
/** So many times within so long a Secret is made again at once. */
const FREE_REMAKES = 4;
const REMADE_MS = 300_000;
/** Refusals that are about what was to be written. */
const OF_CONTENT: ReadonlySet<Code> = new Set([
  'WriteRejected',
  'SecretTooLarge',
  'TargetImmutable',
  'TargetConflict',
]);
/** A fight is over when nothing was undone for so long, beyond the wait. */
const CALM_MS = 10_000;

/** Until when nothing is to be tried again on the target or its former; `undefined`: it may be. */
export function refusedUntil(
  { refused, generation, refresh }: Facts,
  on: 'target' | 'former',
  print?: string,
): At | undefined {
  if (!refused || refused.generation !== generation) return undefined;
  if ((refused.act === 'deleteFormer') !== (on === 'former')) return undefined;
  // A refresh that was asked for since goes before any pace.
  if (!refresh.handled && refresh.seenAt > refused.at) return undefined;
  // Other content may be taken where it was the content that was refused.
  const ofContent = refused.why instanceof Failure && OF_CONTENT.has(refused.why.code);
  if (ofContent && print !== undefined && refused.print !== undefined && print !== refused.print)
    return undefined;
  return refused.at + delayAfter(refused);
}

function delayAfter({ act, why, times, jitter }: Refused): number {
  const spread = (ms: number): number => ms * (0.5 + 0.5 * jitter);
  if (why === 'stale' && act === 'deleteFormer') return BY_ITSELF_MS[0];
  if (why === 'stale')
    return times <= FREE_CONFLICTS
      ? 0
      : spread(Math.min(CONFLICT_MAX_MS, 1_000 * 2 ** (times - FREE_CONFLICTS)));
  if (why.code === 'ApiUnavailable')
    return Math.max(
      Math.min(why.retryAfterMs ?? 0, LONGEST_WISH_MS),
      spread(Math.min(SERVER_MAX_MS, SERVER_FIRST_MS * 2 ** Math.min(times, 30))),
    );
  return BY_ITSELF_MS[Math.min(times, BY_ITSELF_MS.length) - 1]! * (1 + 0.25 * jitter);
}

/**
 * When a Secret that keeps vanishing is made again. Not everybody who deletes it is a person: the garbage collector does
 * so at once while the resource is gone and its watch does not tell.
 */
export function remakeAt(made: readonly At[], now: At): At {
  const recent = made.filter((at) => now - at < REMADE_MS);
  const extra = recent.length - FREE_REMAKES;
  return extra < 0 ? -Infinity : recent.at(-1)! + Math.min(REPAIR_MAX_MS, 1_000 * 2 ** extra);
}

/** A fight over the same fields: how often ours were put back, by whom they are changed, and until when the next repair waits. */
export interface Fight {
  readonly by: string;
  readonly until: At;
  /** When it counts as over. */
  readonly over: At;
}

/** The fight over a Secret's fields, if there is one. `meta`: the Secret as it was edited; absent: as it was at the last edit. */
export function fightOver(undone: readonly Undone[], meta?: SecretMeta): Fight | undefined {
  const fields = meta?.ours ?? undone.at(-1)?.fields;
  const alike = undone.filter((one) => one.fields === fields);
  const last = alike.at(-1);
  if (!last || alike.length < FREE_REPAIRS) return undefined;
  const until = last.at + Math.min(REPAIR_MAX_MS, 1_000 * 2 ** (alike.length - FREE_REPAIRS));
  return { by: last.by, until, over: until + CALM_MS };
}
