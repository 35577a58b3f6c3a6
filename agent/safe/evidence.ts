import type { TLSSocket } from 'node:tls';
import type { CertificateDates } from '../spiffe/error.ts';

/** How far a connection came: name look-up, TCP, TLS, request sent, status received. */
export type Phase = 'lookup' | 'connecting' | 'handshake' | 'waiting' | 'reading';

/** What a connection showed before it failed. */
export interface Evidence {
  phase: Phase;
  /** The peer sent a session ticket: it has accepted our certificate. */
  accepted: boolean;
  /** The SPIFFE ID of a peer that was verified. */
  peerSpiffeId: string | undefined;
  /** The peer's certificate, once it has shown one. */
  peer: CertificateDates | undefined;
  /** The certificate that was shown to the peer. */
  own: CertificateDates;
  /** The socket's own error: undici reports only that the other side closed. */
  socketError: unknown;
}

/** Nothing yet, of a connection that shows a certificate with these dates. */
export const noEvidence = (own: CertificateDates): Evidence => ({
  phase: 'lookup',
  accepted: false,
  peerSpiffeId: undefined,
  peer: undefined,
  own,
  socketError: undefined,
});

/** Notes what a socket shows that begins its handshake now. `wall` is the wall clock. */
export function gather(socket: TLSSocket, evidence: Evidence, wall: () => number): void {
  evidence.phase = 'handshake';
  // Ahead of Node's own listener, which ends the socket if the chain does not verify, and its certificate with it.
  // Not getPeerX509Certificate: after it, Node 24 has no `raw` left for checkServerIdentity.
  socket.prependOnceListener('secure', () => {
    const { valid_from: from, valid_to: to } = socket.getPeerCertificate();
    const [notBefore, notAfter] = [Date.parse(from), Date.parse(to)];
    if (Number.isFinite(notBefore) && Number.isFinite(notAfter))
      evidence.peer = { notBefore, notAfter, clock: wall() };
  });
  socket.once('secureConnect', () => {
    evidence.phase = 'waiting';
    // One URI and nothing else, or the check of the peer would have refused it.
    evidence.peerSpiffeId = /^URI:(spiffe:.*)$/.exec(socket.getPeerCertificate().subjectaltname ?? '')?.[1];
  });
  socket.once('session', () => (evidence.accepted = true));
  // The first error is the cause; what undici makes of it follows as a second one.
  socket.once('error', (error) => (evidence.socketError = error));
}
