/** Why the agent has no identity to show. */
export type IdentityErrorCode =
  | 'SocketUnavailable'
  | 'SocketOrphaned'
  | 'NoIdentity'
  | 'IdentityNotScout'
  | 'IdentityExpired';

/** When a certificate is valid and what this machine's clock said, Unix milliseconds. */
export interface CertificateDates {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly clock: number;
}

/** What is known about a missing identity besides its code. */
export interface IdentityErrorDetails {
  /** A system or gRPC code (`ENOENT`, `PermissionDenied`) or a few constant words; never a library's message. */
  cause?: string;
  /** The SPIFFE ID that was issued instead (`IdentityNotScout`), or was held until it expired. */
  spiffeId?: string;
  /** Of the SVID that has expired. */
  dates?: CertificateDates;
}

const IDENTITY_MESSAGES: Record<IdentityErrorCode, string> = {
  SocketUnavailable: 'the SPIFFE Workload API does not answer',
  SocketOrphaned: 'the mount of the SPIFFE Workload API is of a folder that was removed',
  NoIdentity: 'the SPIFFE Workload API issues no X.509-SVID to this workload',
  IdentityNotScout: 'the X.509-SVID issued is not one that VSecM Safe serves',
  IdentityExpired: 'the X.509-SVID has expired',
};

/** There is no X.509-SVID to use right now. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityErrorCode;
  override readonly cause: string | undefined;
  readonly spiffeId: string | undefined;
  readonly dates: CertificateDates | undefined;

  constructor(code: IdentityErrorCode, details: IdentityErrorDetails = {}) {
    super(IDENTITY_MESSAGES[code]);
    this.code = code;
    this.cause = details.cause;
    this.spiffeId = details.spiffeId;
    this.dates = details.dates;
  }
}

/** Why a TLS peer is not the Safe that was meant: its chain does not verify, or it is somebody else. */
export type PeerErrorCode = 'SafeNotTrusted' | 'SafeWrongIdentity';

const PEER_MESSAGES: Record<PeerErrorCode, string> = {
  SafeNotTrusted: 'the certificate of the peer does not verify against the trust bundle',
  SafeWrongIdentity: 'the peer is trusted but is not VSecM Safe',
};

/** The TLS peer was refused, before a byte was sent to it. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly code: PeerErrorCode;
  /** Node's code of the verification failure, or the rule that was broken. */
  override readonly cause: string;
  /** Set only if the peer has one single, well-formed SPIFFE ID. */
  readonly peerSpiffeId: string | undefined;

  constructor(code: PeerErrorCode, cause: string, peerSpiffeId?: string) {
    super(PEER_MESSAGES[code]);
    this.code = code;
    this.cause = cause;
    this.peerSpiffeId = peerSpiffeId;
  }
}

/** Input breaks a rule of the SPIFFE specifications; the message names the rule and quotes nothing. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}
