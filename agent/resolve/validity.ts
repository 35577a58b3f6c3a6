import { Failure } from '../api/reasons.ts';
import type { StoredSecret } from './answer.ts';

const NS_PER_MS = 1_000_000n;
/** Safe writes `9999-12-31T23:59:59.999999999Z` for "never". */
const NEVER_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * Throws `NotYetValid` or `Expired`, else says when that will change (Unix milliseconds; undefined: never).
 * A `notBefore` that is not after `updated` counts as now: Safe sets it from its own clock at each
 * registration, and the clock of a node may be behind. `what` begins the message.
 */
export function checkValidity(secret: StoredSecret, nowMs: number, what: string): number | undefined {
  const now = BigInt(Math.floor(nowMs)) * NS_PER_MS;
  if (secret.notBefore > now && secret.notBefore > secret.updatedAt) {
    throw new Failure('NotYetValid', `${what}: the secret is not valid yet, by its notBefore`, {
      context: { secret: secret.name },
      wakeAt: toMs(secret.notBefore),
    });
  }
  if (secret.expiresAfter <= now) {
    throw new Failure('Expired', `${what}: the secret has expired, by its expiresAfter`, {
      context: { secret: secret.name },
    });
  }
  const end = toMs(secret.expiresAfter);
  return end < NEVER_MS ? end : undefined;
}

/** The first millisecond that is not before the instant. */
const toMs = (instant: bigint): number => Number((instant + NS_PER_MS - 1n) / NS_PER_MS);
