import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, failureOfConnection } from '../../agent/safe/connection-failure.ts';
import { noEvidence, type Evidence } from '../../agent/safe/evidence.ts';
import { peerErrorOf } from '../../agent/spiffe/tls.ts';

const coded = (code: string): Error => Object.assign(new Error('quotes s3cr3t'), { code });
const closed = coded('UND_ERR_SOCKET');

const PEER = { notBefore: 1, notAfter: 2, clock: 3 };
const OWN = { notBefore: 4, notAfter: 5, clock: 6 };

const cases: [string, Partial<Evidence>, string, string][] = [
  [
    'the alert of a Go server that refuses our certificate',
    { phase: 'waiting', socketError: coded('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE') },
    'SafeRejectedIdentity',
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
  ],
  [
    'the same alert as older OpenSSL names it',
    { phase: 'waiting', socketError: coded('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE') },
    'SafeRejectedIdentity',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  ],
  [
    'an alert about our root',
    { phase: 'waiting', accepted: true, socketError: coded('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA') },
    'SafeRejectedIdentity',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  ],
  [
    'an alert that a certificate is required',
    { phase: 'waiting', socketError: coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') },
    'SafeRejectedIdentity',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ],
  ['a close without a ticket', { phase: 'waiting' }, 'SafeRejectedIdentity', 'UND_ERR_SOCKET'],
  [
    'a reset without a ticket',
    { phase: 'waiting', socketError: coded('ECONNRESET') },
    'SafeRejectedIdentity',
    'ECONNRESET',
  ],
  ['a close after a ticket', { phase: 'waiting', accepted: true }, 'SafeUnreachable', 'UND_ERR_SOCKET'],
  [
    'a reset in the handshake',
    { phase: 'handshake', socketError: coded('ECONNRESET') },
    'SafeUnreachable',
    'ECONNRESET',
  ],
  [
    'a peer without TLS 1.3',
    { phase: 'handshake', socketError: coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION') },
    'SafeUnreachable',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  ],
  [
    'a chain that does not verify',
    { phase: 'handshake', socketError: coded('SELF_SIGNED_CERT_IN_CHAIN') },
    'SafeNotTrusted',
    'SELF_SIGNED_CERT_IN_CHAIN',
  ],
  [
    'a close in the middle of the body',
    { phase: 'reading', accepted: true },
    'ResponseMalformed',
    'UND_ERR_SOCKET',
  ],
  [
    'an answer that is no HTTP',
    { phase: 'waiting', accepted: true, socketError: coded('HPE_INVALID_CONSTANT') },
    'ResponseMalformed',
    'HPE_INVALID_CONSTANT',
  ],
];
for (const [what, evidence, code, cause] of cases) {
  test(`${what} is ${code}`, () => {
    const error = failureOfConnection(
      closed,
      { ...noEvidence(OWN), phase: 'lookup', peer: PEER, ...evidence },
      peerErrorOf,
    );
    assert.deepEqual([error.code, error.cause], [code, cause]);
  });
}

test('only what looks like a constant is taken for a code', () => {
  assert.deepEqual(
    [coded('ECONNREFUSED'), coded('value: s3cr3t'), new Error('s3cr3t'), undefined, null, { code: 7 }].map(
      codeOf,
    ),
    ['ECONNREFUSED', 'Error', 'Error', 'UNKNOWN', 'UNKNOWN', 'UNKNOWN'],
  );
});

test('a certificate that is not valid at this moment is told with its dates and the clock, whosever it is', () => {
  const datesOf = (evidence: Partial<Evidence>) =>
    failureOfConnection(
      closed,
      { ...noEvidence(OWN), phase: 'handshake', peer: PEER, ...evidence },
      peerErrorOf,
    ).dates;
  assert.deepEqual(datesOf({ socketError: coded('CERT_NOT_YET_VALID') }), PEER);
  assert.deepEqual(datesOf({ socketError: coded('CERT_HAS_EXPIRED') }), PEER);
  assert.equal(datesOf({ socketError: coded('SELF_SIGNED_CERT_IN_CHAIN') }), undefined);
  assert.deepEqual(datesOf({ phase: 'waiting' }), OWN);
  assert.equal(datesOf({ socketError: coded('ECONNRESET') }), undefined);
});
