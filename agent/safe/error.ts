import type { CertificateDates } from '../spiffe/error.ts';

/** Why Safe's secrets could not be had: no identity, no connection, or no usable answer. */
export type SafeCode =
  | 'SocketUnavailable'
  | 'SocketOrphaned'
  | 'NoIdentity'
  | 'IdentityNotScout'
  | 'IdentityExpired'
  | 'SafeUnreachable'
  | 'SafeTimeout'
  | 'TrustDomainNotFederated'
  | 'SafeNotTrusted'
  | 'SafeWrongIdentity'
  | 'SafeRejectedIdentity'
  | 'SafeNotReady'
  | 'SafeHasNoSecrets'
  | 'SafeError'
  | 'ResponseTooLarge'
  | 'ResponseMalformed';

/** What else is known about a failure; codes and numbers, nothing that came out of a body. */
export interface SafeErrorDetails {
  /** HTTP status. */
  status?: number | undefined;
  /** Safe, or what stands before it, asked to wait this long. */
  retryAfterMs?: number | undefined;
  /** SPIFFE ID that the peer presented. */
  peerSpiffeId?: string | undefined;
  /** A system's or library's code such as ECONNREFUSED, or the phase in which time ran out; never a message. */
  cause?: string | undefined;
  /** Of the certificate that is to blame: the peer's (`SafeNotTrusted`), else the agent's own. */
  dates?: CertificateDates | undefined;
  /** The Safe's. */
  trustDomain?: string | undefined;
  /** It is not the home Safe. */
  elsewhere?: boolean;
  /** Nothing was sent to Safe, not even a connection was opened. */
  unsent?: boolean;
}

const MESSAGES: Record<SafeCode, string> = {
  SocketUnavailable: 'the Workload API does not answer',
  SocketOrphaned: "the mount of the Workload API's socket is of a folder that was removed",
  NoIdentity: 'this agent has no identity',
  IdentityNotScout: "this agent's identity is not that of a vsecm-scout",
  IdentityExpired: "this agent's identity has expired",
  SafeUnreachable: 'no connection to Safe',
  SafeTimeout: 'Safe did not answer in time',
  TrustDomainNotFederated: "there is no trust bundle of the Safe's trust domain",
  SafeNotTrusted: "the peer's certificate does not verify",
  SafeWrongIdentity: "the peer's SPIFFE ID is not Safe's",
  SafeRejectedIdentity: "Safe closed the connection on this agent's certificate",
  SafeNotReady: 'Safe cannot serve yet',
  SafeHasNoSecrets: 'Safe shows no raw: secret',
  SafeError: 'Safe answered with an unexpected status',
  ResponseTooLarge: "Safe's answer is too large",
  ResponseMalformed: "Safe's answer cannot be read",
};

/** A read of Safe that failed. Its message is constant for its code. */
export class SafeError extends Error {
  override readonly name = 'SafeError';
  readonly code: SafeCode;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly peerSpiffeId: string | undefined;
  override readonly cause: string | undefined;
  readonly dates: CertificateDates | undefined;
  readonly trustDomain: string | undefined;
  readonly elsewhere: boolean;
  readonly unsent: boolean;

  constructor(code: SafeCode, details: SafeErrorDetails = {}) {
    super(MESSAGES[code]);
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.peerSpiffeId = details.peerSpiffeId;
    this.cause = details.cause;
    this.dates = details.dates;
    this.trustDomain = details.trustDomain;
    this.elsewhere = details.elsewhere ?? false;
    this.unsent = details.unsent ?? false;
  }

  /** The same failure, of this Safe. */
  of({ trustDomain, home }: { trustDomain: string; home: boolean }): SafeError {
    return new SafeError(this.code, { ...this, trustDomain, elsewhere: !home });
  }
}
