import { dateOf, type Clock } from '../clock.ts';
import { Failure, hintFor, REASONS, stageOf, type Code, type HintContext } from '../api/reasons.ts';
import type { LogFields } from '../log.ts';

/** Why Safe gives no answer at present. */
export interface FetchFailure {
  readonly code: Code;
  /** A system's error code, for the log. */
  readonly cause: string | undefined;
  readonly peerSpiffeId: string | undefined;
  /** What its hint is completed with. */
  readonly context: HintContext;
  /** Unix milliseconds: the first failed attempt, when the last one was begun, and when the next one is due. */
  readonly since: number;
  readonly attemptedAt: number;
  readonly nextRetryAt: number;
  readonly attempts: number;
}

/** Reads off an error of the Safe client what may be told of it. */
export function describeError(error: unknown): {
  code: Code;
  cause?: string;
  retryAfterMs?: number;
  peerSpiffeId?: string;
  context: HintContext;
} {
  const known = error as {
    code?: Code;
    cause?: unknown;
    retryAfterMs?: number;
    peerSpiffeId?: string;
    dates?: HintContext['dates'];
    trustDomain?: string;
    elsewhere?: boolean;
  };
  if (typeof known.code !== 'string' || !Object.hasOwn(REASONS, known.code))
    return { code: 'SafeError', context: {} };
  return {
    code: known.code,
    context: { dates: known.dates, trustDomain: known.trustDomain, elsewhere: known.elsewhere },
    ...(typeof known.cause === 'string' && { cause: known.cause }),
    ...(known.retryAfterMs !== undefined && { retryAfterMs: known.retryAfterMs }),
    ...(known.peerSpiffeId !== undefined && { peerSpiffeId: known.peerSpiffeId }),
  };
}

/** The one log line that stands for all resources that wait. */
export function failureFields(
  failure: FetchFailure,
  safeURL: string,
  spiffeID: string | undefined,
  members: ReadonlySet<string>,
  clock: Clock,
): LogFields {
  return {
    safeURL,
    stage: stageOf(failure.code),
    code: failure.code,
    ...(failure.cause !== undefined && { cause: failure.cause }),
    ...(spiffeID !== undefined && { spiffeID }),
    ...(failure.peerSpiffeId !== undefined && { peerSPIFFEID: failure.peerSpiffeId }),
    attempt: failure.attempts,
    since: dateOf(clock, failure.since).toISOString(),
    nextRetry: dateOf(clock, failure.nextRetryAt).toISOString(),
    resources: members.size,
    namespaces: new Set([...members].map((key) => key.slice(0, key.indexOf('/')))).size,
    hint: hintFor(failure.code, { ...failure.context, safeURL }),
  };
}

/** The failure of a Safe, as resources and Events tell it. */
export function safeFailure({ url, failure }: { url: string; failure: FetchFailure | undefined }): Failure {
  const code = failure?.code ?? 'SafeError';
  return new Failure(code, `${REASONS[code].meaning.replace(/\.$/, '')} (${url})`, {
    context: { ...failure?.context, safeURL: url },
  });
}
