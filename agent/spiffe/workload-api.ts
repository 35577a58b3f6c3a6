import type { Clock } from '../clock.ts';
import { GrpcError, streamMessages } from './grpc-stream.ts';
import type { SocketAddress } from './socket-address.ts';
import { decodeX509SVIDResponse, type X509SVIDResponse } from './workload-message.ts';

/** Required by the specification, so that a request forged through another service (SSRF) is refused. */
const SECURITY_HEADER = { 'workload.spiffe.io': 'true' };

const FETCH_X509_SVID = '/SpiffeWorkloadAPI/FetchX509SVID';

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
 * Opens one stream of `FetchX509SVID` on a connection of its own and yields its messages, unchecked. Returns when
 * `signal` is aborted; any other end is an error, since SPIRE ends no stream by itself without one. Opening it again
 * is up to the caller.
 *
 * @throws WorkloadApiError
 */
export async function* fetchX509Svids(
  options: FetchOptions,
  signal: AbortSignal,
): AsyncGenerator<X509SVIDResponse, void, void> {
  const { address, clock, firstMessageMs } = options;
  const timeout = new AbortController();
  const cancelTimeout = clock.after(firstMessageMs, () => timeout.abort());
  const either = AbortSignal.any([signal, timeout.signal]);
  try {
    const call = { address, path: FETCH_X509_SVID, headers: SECURITY_HEADER };
    for await (const message of streamMessages(call, either)) {
      cancelTimeout();
      yield decodeX509SVIDResponse(message);
    }
    if (!signal.aborted) throw new WorkloadApiError('unavailable', 'end of stream');
  } catch (error) {
    if (signal.aborted) return;
    if (timeout.signal.aborted) throw new WorkloadApiError('unavailable', 'timeout');
    throw error instanceof WorkloadApiError ? error : translate(error);
  } finally {
    cancelTimeout();
  }
}

function translate(error: unknown): WorkloadApiError {
  if (!(error instanceof GrpcError)) {
    // What the system said is at the bottom of the chain, below what Node made of it.
    let cause = 'Unknown';
    for (let at = error; at instanceof Error; at = at.cause)
      if ('code' in at && typeof at.code === 'string') cause = at.code;
    return new WorkloadApiError('unavailable', cause);
  }
  const { code } = error;
  if (code === 'PermissionDenied') return new WorkloadApiError('denied', code);
  if (code === 'InvalidArgument') return new WorkloadApiError('refused', code);
  return new WorkloadApiError('unavailable', code);
}
