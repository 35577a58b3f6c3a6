import { hintFor, type Failure, type Stage } from '../api/reasons.ts';
import type { Condition, VSecMSecretStatus } from '../api/vsecmsecret.ts';

/** What is known of a resource when its status is computed. */
export interface Outcome {
  /** Generation that this outcome is about. */
  generation: number;
  /** Whose log to read. */
  node: string;
  /** Unix milliseconds. */
  now: number;
  /** The Secret as it stands; absent while this resource has none that is right for its spec. */
  secret?: { name: string; resourceVersion: string };
  /** Set if its content was just written. */
  written?: boolean;
  /** Latest `updated` of the secrets used, `''` where Safe told none; absent: as before. */
  sourceUpdated?: string;
  /** Value of the refresh annotation whose attempt has ended. */
  handledRefresh?: string;
  failure?: Failure;
}

/** Failures of these stages tell about Safe or the agent; what `Ready` said of the Secret stays true. */
const OUTSIDE: ReadonlySet<Stage> = new Set(['identity', 'connect', 'fetch']);

/** The status that follows from `before` and what was found. Times change only where something else does. */
export function nextStatus(before: VSecMSecretStatus, outcome: Outcome): VSecMSecretStatus {
  const { failure, now } = outcome;
  const at = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const secret = outcome.secret ?? before.secret;
  const sourceUpdated = outcome.sourceUpdated ?? before.sourceUpdated;
  const lastSyncTime = outcome.written ? at : before.lastSyncTime;
  const handledRefresh = outcome.handledRefresh ?? before.handledRefresh;
  return {
    observedGeneration: outcome.generation,
    conditions: conditionsAfter(before, outcome, at),
    node: outcome.node,
    ...(secret && { secret }),
    ...(sourceUpdated !== undefined && sourceUpdated !== '' && { sourceUpdated }),
    ...(lastSyncTime !== undefined && { lastSyncTime }),
    ...(handledRefresh !== undefined && handledRefresh !== '' && { handledRefresh }),
    ...(failure && {
      failure: {
        stage: failure.stage,
        code: failure.code,
        message: failure.message,
        hint: hintFor(failure.code, failure.context),
        since: before.failure?.code === failure.code ? before.failure.since : at,
      },
    }),
  };
}

function conditionsAfter(before: VSecMSecretStatus, outcome: Outcome, at: string): Condition[] {
  const { failure, generation } = outcome;
  const known = before.conditions?.find((condition) => condition.type === 'Ready');
  const condition = (type: Condition['type'], status: 'True' | 'False', reason: string, message: string): Condition => {
    const old = before.conditions?.find((one) => one.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : at;
    return { type, status, reason, message, observedGeneration: generation, lastTransitionTime };
  };
  if (!failure) return [condition('Ready', 'True', 'Synced', `Secret ${outcome.secret?.name ?? ''} is as declared`)];
  if (OUTSIDE.has(failure.stage) && known?.status === 'True') {
    return [condition('Ready', 'True', known.reason, known.message)];
  }
  const conditions = [condition('Ready', 'False', failure.code, failure.message)];
  if (waitsForPerson(failure)) conditions.push(condition('Stalled', 'True', failure.code, failure.message));
  return conditions;
}

/** Whether a failure stays until somebody does something; kstatus then shows `Failed` instead of `InProgress`. */
export function waitsForPerson(failure: Failure): boolean {
  return !OUTSIDE.has(failure.stage) && failure.code !== 'ApiUnavailable' && failure.code !== 'NotYetValid';
}

/** Whether two statuses say the same, times aside. */
export function sameInSubstance(a: VSecMSecretStatus, b: VSecMSecretStatus): boolean {
  return substance(a) === substance(b);
}

function substance(status: VSecMSecretStatus): string {
  const { lastSyncTime: _, failure, conditions, ...rest } = status;
  return JSON.stringify([
    Object.entries(rest).filter(([, value]) => value !== undefined).sort(([x], [y]) => (x < y ? -1 : 1)),
    failure && [failure.stage, failure.code, failure.message, failure.hint],
    (conditions ?? []).map((one) => [one.type, one.status, one.reason, one.message, one.observedGeneration]).sort(),
  ]);
}
