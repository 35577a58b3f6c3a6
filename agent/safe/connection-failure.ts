import type { PeerError } from '../spiffe/error.ts';
import { SafeError } from './error.ts';
import type { Evidence } from './evidence.ts';

/** TLS alerts by which a server refuses a client's certificate, as OpenSSL names them. */
const REFUSED =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED)$/;

/** Node's codes for a certificate that is not valid at this moment. */
const DATED: ReadonlySet<string> = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

/** Finds in an error that the peer was refused, as `agent/spiffe/tls.ts` does. */
export type PeerErrorOf = (error: unknown) => PeerError | undefined;

/**
 * Says what a failed connection means.
 *
 * In TLS 1.3 a client is done before the server has looked at its certificate, so a refusal arrives
 * afterwards: as an alert, or as a bare close. A server that accepts sends a session ticket first (Go's and
 * Node's do), so a close without ticket is a refusal, one after a ticket is a Safe that went away.
 */
export function failureOfConnection(error: unknown, evidence: Evidence, peerErrorOf: PeerErrorOf): SafeError {
  if (error instanceof SafeError) return error;
  const root = evidence.socketError ?? error;
  const peer = peerErrorOf(root);
  if (peer) {
    const { code, cause, peerSpiffeId } = peer;
    return new SafeError(code, { cause, peerSpiffeId, dates: DATED.has(cause) ? evidence.peer : undefined });
  }
  const cause = codeOf(root);
  const rejected = (): SafeError => new SafeError('SafeRejectedIdentity', { cause, dates: evidence.own });
  if (REFUSED.test(cause)) return rejected();
  if (evidence.phase === 'reading' || cause.startsWith('HPE_'))
    return new SafeError('ResponseMalformed', { cause });
  if (evidence.phase === 'waiting' && !evidence.accepted) return rejected();
  return new SafeError('SafeUnreachable', { cause });
}

/** An error's code, or else its class; messages quote their input and are never used. */
export function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return (
    [code, name].find(
      (text): text is string => typeof text === 'string' && /^[A-Za-z0-9_/]{1,64}$/.test(text),
    ) ?? 'UNKNOWN'
  );
}
