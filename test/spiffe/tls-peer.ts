import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { connect, createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { X509SVIDSchema } from '../devcluster/spire/gen/workload_pb.ts';
import { X509Svid, type Identity } from '../../agent/spiffe/svid.ts';
import { peerErrorOf, tlsOptions } from '../../agent/spiffe/tls.ts';
import type { Ca, Issued } from '../devcluster/pki.ts';
import { SCOUT } from './harness.ts';

export const SAFE = 'spiffe://vsecm.com/workload/vsecm-safe/ns/vsecm-system/sa/vsecm-safe/n/vsecm-safe-0';
/** VSecM's default of `VSECM_SPIFFEID_PREFIX_SAFE`. */
export const SAFE_PATTERN =
  /^spiffe:\/\/vsecm.com\/workload\/vsecm-safe\/ns\/vsecm-system\/sa\/vsecm-safe\/n\/[^/]+$/;

/** The agent's identity, signed by `ca`, with a bundle of `ca` and `more`. */
export async function agentIdentity(ca: Ca, more: readonly Ca[] = []): Promise<X509Svid> {
  const issued = await ca.issue({ id: SCOUT });
  return new X509Svid(
    create(X509SVIDSchema, {
      spiffeId: SCOUT,
      x509Svid: issued.chainDer,
      x509SvidKey: issued.keyDer,
      bundle: Buffer.concat([ca, ...more].map(({ certDer }) => certDer)),
    }),
  );
}

export interface Peer {
  port: number;
  /** Client certificates that the server got to see, by serial number. */
  seen: string[];
  /** Resolves when the server is done with its first connection, well or badly. */
  finished: Promise<unknown>;
}

/** A TLS server that asks for a client certificate and takes any. */
export async function startPeer(t: TestContext, issued: Issued, options: TlsOptions = {}): Promise<Peer> {
  const seen: string[] = [];
  const { promise: finished, resolve } = Promise.withResolvers<unknown>();
  const server = createServer(
    { cert: issued.chainPem, key: issued.keyPem, requestCert: true, rejectUnauthorized: false, ...options },
    (socket) => {
      const { serialNumber } = socket.getPeerCertificate();
      if (serialNumber !== undefined) seen.push(serialNumber);
      socket.on('error', () => {});
      socket.once('close', resolve);
      socket.end('hello');
    },
  );
  server.on('tlsClientError', resolve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, seen, finished };
}

/** What became of one connection: `ok`, or code and cause of the refusal. */
export async function meet(identity: Identity, peer: Peer, pattern = SAFE_PATTERN): Promise<string> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: peer.port,
    ...tlsOptions(identity, { trustDomain: 'vsecm.com', idPattern: pattern }),
  });
  try {
    await once(socket, 'secureConnect');
    socket.resume();
    await once(socket, 'close');
    return 'ok';
  } catch (error) {
    const refusal = peerErrorOf(error);
    if (refusal === undefined) return `other ${(error as NodeJS.ErrnoException).code ?? ''}`;
    return [
      refusal.code,
      refusal.cause,
      ...(refusal.peerSpiffeId === undefined ? [] : [refusal.peerSpiffeId]),
    ].join(' | ');
  } finally {
    socket.destroy();
    await peer.finished;
  }
}
