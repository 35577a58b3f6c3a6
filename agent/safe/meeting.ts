import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { Reach } from '../reach.ts';
import { failureOfConnection } from './connection-failure.ts';
import type { DeclaredSafe } from './declared-safe.ts';
import { SafeError } from './error.ts';
import { gather, noEvidence, type Evidence, type Phase } from './evidence.ts';
import { serverNameOf } from './url.ts';
import { identityOf, type IdentitySource, type SafeTls } from './own-identity.ts';

export interface MeetingOptions {
  identity: IdentitySource;
  tls: SafeTls;
  reach: Pick<Reach, 'connect'>;
  clock: Clock;
}

/** What became of meeting a Safe. */
export interface Meeting {
  /** How far it came; undefined: nothing was tried. */
  readonly phase: Phase | undefined;
  /** Who answered, if it could be told. */
  readonly peerSpiffeId: string | undefined;
  readonly failure: SafeError | undefined;
}

/** Whoever asks waits for ten seconds at most. */
const LONGEST_MS = 8_000;
/** A server that accepts says so at once; one that says nothing for so long has not refused. */
const SILENCE_MS = 1_000;

/**
 * Opens a connection to a Safe, lets both sides verify each other, and ends it: nothing is asked. For people who want
 * to know why a Safe does not answer, and cheap for it: from a thousand agents a thousand answers would be gigabytes.
 */
export async function meet(safe: DeclaredSafe, options: MeetingOptions): Promise<Meeting> {
  const { identity: source, tls, clock } = options;
  const ended = new AbortController();
  const cancelTimeout = clock.after(Math.min(safe.timeoutMs, LONGEST_MS), () => ended.abort());
  const unsubscribe = source.onChange((change) => {
    if (change === 'withdrawn' || change === 'expired')
      ended.abort(new SafeError(change === 'expired' ? 'IdentityExpired' : 'NoIdentity'));
  });
  let evidence: Evidence | undefined;
  const met = (failure?: SafeError): Meeting => ({
    phase: evidence?.phase,
    peerSpiffeId: evidence?.peerSpiffeId ?? failure?.peerSpiffeId,
    failure: failure?.of(safe),
  });
  try {
    const identity = identityOf(source, clock, true);
    const secured = tls.options(identity, safe);
    if (secured === undefined) return met(new SafeError('TrustDomainNotFederated'));
    const { notBefore, notAfter } = identity;
    evidence = noEvidence({ notBefore, notAfter, clock: clock.wall() });
    await verify(safe, secured, evidence, options, ended.signal);
    return met();
  } catch (error) {
    if (error instanceof SafeError || evidence === undefined) return met(error as SafeError);
    if (ended.signal.reason instanceof SafeError) return met(ended.signal.reason);
    if (ended.signal.aborted)
      return met(new SafeError('SafeTimeout', { cause: `TIMEOUT_${evidence.phase.toUpperCase()}` }));
    return met(failureOfConnection(error, evidence, tls.peerErrorOf));
  } finally {
    cancelTimeout();
    unsubscribe();
  }
}

/** Resolves if the peer is the Safe that was meant and did not refuse this agent; rejects with what went wrong. */
async function verify(
  { dial, serverName }: DeclaredSafe,
  secured: ConnectionOptions,
  evidence: Evidence,
  { reach, clock }: MeetingOptions,
  signal: AbortSignal,
): Promise<void> {
  const { hostname, port } = new URL(dial);
  const found = (): void => void (evidence.phase = 'connecting');
  const tcp = await reach.connect(hostname, Number(port || 443), signal, found);
  const servername = serverName ?? serverNameOf(hostname);
  const socket: TLSSocket = connect({ ...secured, socket: tcp, servername });
  gather(socket, evidence, () => clock.wall());
  // Heard of below, or too late to matter.
  socket.on('error', () => {});
  const silent = Promise.withResolvers<void>();
  let cancelSilence = (): void => {};
  try {
    await once(socket, 'secureConnect', { signal });
    socket.resume();
    cancelSilence = clock.after(SILENCE_MS, silent.resolve);
    const closed = once(socket, 'close', { signal }).then(() => 'closed' as const);
    const outcome = await Promise.race([once(socket, 'session', { signal }), closed, silent.promise]);
    if (outcome === 'closed') throw new Error('closed');
  } finally {
    cancelSilence();
    socket.destroy();
  }
}
