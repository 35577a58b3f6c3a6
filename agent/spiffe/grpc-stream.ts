import { connect as connectHttp2, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { SocketAddress } from './socket-address.ts';

/** What gRPC clients send as authority on a Unix socket; it is never resolved. */
const AUTHORITY = 'http://localhost';

/** What gRPC itself accepts by default. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** gRPC's status codes, in their order. */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;
export type GrpcCode = (typeof CODES)[number];

/** A call ended otherwise than well. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: GrpcCode;

  constructor(code: GrpcCode) {
    super('the gRPC call ended');
    this.code = code;
  }
}

export interface GrpcCall {
  address: SocketAddress;
  /** `/SERVICE/METHOD`. */
  path: string;
  headers: Readonly<Record<string, string>>;
}

/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/**
 * Sends one empty message on an HTTP/2 connection of its own and yields the messages of the answer, undecoded
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Leaving the loop, and `signal`, end both at once.
 *
 * There are no pings. A SPIRE agent that dies closes its socket; one that hangs would be no more help when asked anew.
 * @throws GrpcError, or what Node throws where the connection fails
 */
export async function* streamMessages(
  { address, path, headers }: GrpcCall,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const session = connectHttp2(AUTHORITY, { createConnection: () => connectSocket(address) });
  // What fails the session fails its stream, whose errors the loop below gets.
  session.on('error', () => {});
  const end = (): void => session.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => {});
    let head: Head = {};
    let tail: IncomingHttpHeaders = {};
    stream.on('response', (received) => (head = received));
    stream.on('trailers', (received) => (tail = received));
    stream.end(Buffer.alloc(PREFIX_BYTES));
    let left: Buffer = Buffer.alloc(0);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (!isGrpc(head)) throw new GrpcError('Unknown');
      left = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
      for (let end = endOfMessage(left); end !== undefined; end = endOfMessage(left)) {
        yield left.subarray(PREFIX_BYTES, end);
        left = left.subarray(end);
      }
    }
    // An answer without messages has its status in the headers.
    const status = tail['grpc-status'] ?? head['grpc-status'];
    const code = CODES[Number(status ?? NaN)] ?? 'Unknown';
    if (code !== 'OK' || left.length > 0) throw new GrpcError(code === 'OK' ? 'Internal' : code);
  } finally {
    signal.removeEventListener('abort', end);
    session.destroy();
  }
}

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;

const isGrpc = (head: Head): boolean =>
  head[':status'] === 200 && head['content-type']?.startsWith('application/grpc') === true;

/** Where the first message ends; `undefined`: not all of it has come. */
function endOfMessage(bytes: Buffer): number | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  const length = bytes.readUInt32BE(1);
  // No compression was offered.
  if (bytes[0] !== 0) throw new GrpcError('Internal');
  if (length > MAX_MESSAGE_BYTES) throw new GrpcError('ResourceExhausted');
  return bytes.length < PREFIX_BYTES + length ? undefined : PREFIX_BYTES + length;
}
