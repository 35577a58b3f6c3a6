import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { IdentityError } from '../spiffe/error.ts';
import type { Identity } from '../spiffe/svid.ts';
import { codeOf, type PeerErrorOf } from './connection-failure.ts';
import type { DeclaredSafe } from './declared-safe.ts';
import { SafeError, type SafeCode } from './error.ts';

/** Where the agent's identity comes from. */
export interface IdentitySource {
  /** The identity for the next connection. Throws an error with a code of the stage identity if there is none. */
  current(): Identity;
  /** Calls back when the identity changes, before anything else can use it; returns how to end that. */
  onChange(changed: (change: 'obtained' | 'rotated' | 'withdrawn' | 'expired') => void): () => void;
}

/** How an identity is shown and a Safe verified. */
export interface SafeTls {
  /** Options that present this identity and accept nobody but this Safe; undefined: no bundle could verify it. */
  options: (identity: Identity, safe: DeclaredSafe) => ConnectionOptions | undefined;
  peerErrorOf: PeerErrorOf;
}

/**
 * The identity for the next connection, never an expired one.
 * @param unsent nothing was sent to the Safe yet
 * @throws SafeError of stage identity
 */
export function identityOf(source: IdentitySource, clock: Clock, unsent: boolean): Identity {
  let identity: Identity;
  try {
    identity = source.current();
  } catch (error) {
    const { cause, dates } = error as Partial<IdentityError>;
    throw new SafeError(codeOf(error) as SafeCode, {
      unsent,
      cause: typeof cause === 'string' ? cause : undefined,
      dates,
    });
  }
  const { notBefore, notAfter } = identity;
  const wall = clock.wall();
  if (notAfter > wall) return identity;
  throw new SafeError('IdentityExpired', { unsent, dates: { notBefore, notAfter, clock: wall } });
}
