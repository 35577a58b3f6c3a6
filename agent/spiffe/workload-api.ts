import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import type { Clock } from '../clock.ts';
import { Connection } from './connection.ts';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from './gen/workload_pb.ts';
import type { SocketAddress } from './socket-address.ts';

/** Required by the specification, so that a request forged through another service (SSRF) is refused. */
const SECURITY_HEADER = { 'workload.spiffe.io': 'true' };

/** What gRPC clients send as authority on a Unix socket. */
const AUTHORITY = 'http://localhost';

/** What gRPC itself accepts by default. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** A stream ended otherwise than by the caller's wish. */
export class WorkloadApiError extends Error {
  override readonly name = 'WorkloadApiError';
  /** `denied`: no identity for this workload; `refused`: the request itself is wrong; `unavailable`: all the rest. */
  readonly kind: 'denied' | 'refused' | 'unavailable';
  /** A system code (`ENOENT`), a gRPC code (`PermissionDenied`), `timeout` or `end of stream`. */
  override readonly cause: string;

  constructor(kind: 'denied' | 'refused' | 'unavailable', cause: string) {
    super('the stream of the SPIFFE Workload API ended');
    this.kind = kind;
    this.cause = cause;
  }
}

export interface FetchOptions {
  address: SocketAddress;
  clock: Clock;
  /** How long to wait for the first message; later ones may be hours apart. */
  firstMessageMs: number;
}

/**
 * Opens one stream of `FetchX509SVID` on a connection of its own and yields its messages, undecided and
 * unchecked. Returns when `signal` is aborted; any other end is an error, since SPIRE ends no stream by itself
 * without one. Opening it again is up to the caller.
 *
 * @throws WorkloadApiError
 */
export async function* fetchX509Svids(
  options: FetchOptions,
  signal: AbortSignal,
): AsyncGenerator<X509SVIDResponse, void, void> {
  const { address, clock, firstMessageMs } = options;
  const connection = new Connection(address, AUTHORITY);
  const transport = createGrpcTransport({
    baseUrl: AUTHORITY,
    sessionManager: connection,
    acceptCompression: [],
    readMaxBytes: MAX_MESSAGE_BYTES,
  });
  const timeout = new AbortController();
  const cancelTimeout = clock.after(firstMessageMs, () => timeout.abort());
  try {
    const stream = createClient(SpiffeWorkloadAPI, transport).fetchX509SVID(
      {},
      { headers: SECURITY_HEADER, signal: AbortSignal.any([signal, timeout.signal]) },
    );
    for await (const message of stream) {
      cancelTimeout();
      yield message;
    }
    if (!signal.aborted) throw new WorkloadApiError('unavailable', 'end of stream');
  } catch (error) {
    if (signal.aborted) return;
    if (timeout.signal.aborted) throw new WorkloadApiError('unavailable', 'timeout');
    throw error instanceof WorkloadApiError ? error : translate(error);
  } finally {
    cancelTimeout();
    connection.destroy();
  }
}

function translate(error: unknown): WorkloadApiError {
  // What the system said is at the bottom of the chain, below what Node and connect made of it.
  let systemCode: string | undefined;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') systemCode = at.code;
  }
  const grpcCode = ConnectError.from(error).code;
  if (systemCode !== undefined) return new WorkloadApiError('unavailable', systemCode);
  if (grpcCode === Code.PermissionDenied) return new WorkloadApiError('denied', Code[grpcCode]);
  if (grpcCode === Code.InvalidArgument) return new WorkloadApiError('refused', Code[grpcCode]);
  return new WorkloadApiError('unavailable', Code[grpcCode]);
}
