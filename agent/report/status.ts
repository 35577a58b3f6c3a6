import { hintFor, isOutside, type Failure } from '../api/reasons.ts';
import type { RestartStatus } from '../api/restart.ts';
import type { Condition, VSecMSecretStatus } from '../api/vsecmsecret.ts';

/** What is known of a resource when its status is computed. */
export interface Outcome {
  /** Generation that this outcome is about. */
  generation: number;
  /** Whose log to read. */
  node: string;
  /** The wall clock, Unix milliseconds. */
  now: number;
  /** The Secret as it stands; absent while this resource has none that is right for its spec. */
  secret?: { name: string; resourceVersion: string; revision?: number };
  /** Said together with `secret`. */
  restarts?: readonly RestartStatus[];
  /** Set if its content was just written. */
  written?: boolean;
  /** Latest `updated` of the secrets used, `''` where Safe told none; absent: as before. */
  sourceUpdated?: string;
  /** When the first of the secrets used expires, Unix milliseconds; said together with `secret`. */
  expiresAt?: number | undefined;
  /** Whether what the status says of a right Secret is still true while Safe fails. */
  stands?: boolean;
  /** Value of the refresh annotation whose attempt has ended. */
  handledRefresh?: string;
  failure?: Failure;
  /** Since when it fails so, Unix milliseconds; absent: since now. */
  failingSince?: number;
  /** Whether Safe's last confirmation is recent enough; absent: the resource does not ask. */
  fresh?: boolean;
  suspended?: boolean;
}

/** The status that follows from `before` and what was found. Times change only where something else does. */
export function nextStatus(before: VSecMSecretStatus, outcome: Outcome): VSecMSecretStatus {
  const { failure, now, suspended = false } = outcome;
  const at = printTime(now);
  const secret = outcome.secret ?? before.secret;
  const sourceUpdated = outcome.sourceUpdated ?? before.sourceUpdated;
  const lastSyncTime = outcome.written ? at : before.lastSyncTime;
  const handledRefresh = outcome.handledRefresh ?? before.handledRefresh;
  const expires = outcome.expiresAt === undefined ? undefined : printTime(outcome.expiresAt);
  const validUntil = outcome.secret ? expires : before.validUntil;
  const restarts = outcome.secret ? outcome.restarts : before.restarts;
  return {
    observedGeneration: outcome.generation,
    conditions: suspended ? suspendedConditions(before, outcome, at) : conditionsAfter(before, outcome, at),
    node: outcome.node,
    ...(secret && { secret }),
    ...(restarts && { restarts }),
    ...(sourceUpdated !== undefined && sourceUpdated !== '' && { sourceUpdated }),
    ...(validUntil !== undefined && { validUntil }),
    ...(lastSyncTime !== undefined && { lastSyncTime }),
    ...(handledRefresh !== undefined && handledRefresh !== '' && { handledRefresh }),
    ...(failure && {
      failure: {
        stage: failure.stage,
        code: failure.code,
        message: failure.message,
        hint: hintFor(failure.code, failure.context),
        since: sinceWhen(before, failure) ?? printTime(outcome.failingSince ?? now),
      },
    }),
  };
}

/** A failure goes on while its code does; one of Safe also when it shows in another way. */
function sinceWhen(before: VSecMSecretStatus, failure: Failure): string | undefined {
  if (!before.failure) return undefined;
  const same =
    before.failure.code === failure.code || (isOutside(before.failure.code) && isOutside(failure.code));
  return same ? before.failure.since : undefined;
}

function conditionsAfter(before: VSecMSecretStatus, outcome: Outcome, at: string): Condition[] {
  const { failure, fresh, secret, generation } = outcome;
  const ready = find(before, 'Ready');
  const conditions: Condition[] = [];
  const add = (type: Condition['type'], status: 'True' | 'False', reason: string, message: string): void => {
    conditions.push(condition(find(before, type), generation, at, type, status, reason, message));
  };
  // Safe's failures say nothing of a Secret that is there and right.
  const kept = failure && outcome.stands && ready?.status === 'True';
  if (!failure || secret) add('Ready', 'True', 'Synced', `Secret ${secret?.name ?? ''} is as declared`);
  else if (kept)
    add(
      'Ready',
      'True',
      'Synced',
      ready.reason === 'Synced' ? ready.message : `Secret ${before.secret?.name ?? ''} is as declared`,
    );
  else add('Ready', 'False', failure.code, failure.message);
  if (fresh === true) add('Fresh', 'True', 'Confirmed', 'Safe has confirmed the content within maxStaleness');
  if (fresh === false)
    add(
      'Fresh',
      'False',
      failure?.code ?? 'Stale',
      'Safe has not confirmed the content for longer than maxStaleness',
    );
  if (failure && waitsForPerson(failure)) add('Stalled', 'True', failure.code, failure.message);
  return conditions;
}

/** What was true of the Secret stays so; nobody looks. */
function suspendedConditions(before: VSecMSecretStatus, { generation }: Outcome, at: string): Condition[] {
  const old = find(before, 'Ready');
  return [
    condition(
      old,
      generation,
      at,
      'Ready',
      old?.status === 'True' ? 'True' : 'False',
      'Suspended',
      'spec.suspend is set: the Secret is kept as it is',
    ),
  ];
}

function condition(
  old: Condition | undefined,
  observedGeneration: number,
  at: string,
  type: Condition['type'],
  status: 'True' | 'False',
  reason: string,
  message: string,
): Condition {
  return {
    type,
    status,
    reason,
    message,
    observedGeneration,
    lastTransitionTime: old?.status === status ? old.lastTransitionTime : at,
  };
}

const find = (status: VSecMSecretStatus, type: Condition['type']): Condition | undefined =>
  status.conditions?.find((one) => one.type === type);

/** RFC 3339 in whole seconds, as metav1.Time. */
const printTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** Whether a failure stays until somebody does something; kstatus then shows `Failed` instead of `InProgress`. */
export function waitsForPerson(failure: Failure): boolean {
  return (
    !isOutside(failure.code) &&
    failure.stage !== 'restart' &&
    failure.code !== 'ApiUnavailable' &&
    failure.code !== 'NotYetValid'
  );
}

/** Whether two statuses say the same, times aside. */
export function sameInSubstance(a: VSecMSecretStatus, b: VSecMSecretStatus): boolean {
  return substance(a) === substance(b);
}

function substance(status: VSecMSecretStatus): string {
  const { lastSyncTime: _, failure, conditions, ...rest } = status;
  return JSON.stringify([
    Object.entries(rest)
      .filter(([, value]) => value !== undefined)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, value]) => [key, sorted(value)]),
    failure && [failure.stage, failure.code, failure.message, failure.hint],
    (conditions ?? [])
      .map((one) => [one.type, one.status, one.reason, one.message, one.observedGeneration])
      .sort(),
  ]);
}

/** Members in one order: a status that came from the server has its own. */
function sorted(value: unknown): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    : value;
}
