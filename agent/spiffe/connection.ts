import { once } from 'node:events';
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { GrpcTransportOptions } from '@connectrpc/connect-node';
import type { SocketAddress } from './socket-address.ts';

type SessionManager = NonNullable<GrpcTransportOptions['sessionManager']>;

/**
 * One HTTP/2 connection for one stream. The session manager that comes with connect-node opens connections again
 * by itself, and listens to errors only from a moment after the connection stands: a peer that does not speak
 * HTTP/2 ends the process there.
 *
 * There are no pings. A SPIRE agent that dies closes its socket; one that hangs would be no more help when asked anew.
 */
export class Connection implements SessionManager {
  readonly authority: string;
  readonly #session: ClientHttp2Session;
  readonly #connected: Promise<unknown>;

  /** @param authority goes into requests and is never resolved */
  constructor(address: SocketAddress, authority: string) {
    this.authority = authority;
    this.#session = connectHttp2(authority, { createConnection: () => connectSocket(address) });
    this.#connected = once(this.#session, 'connect');
    // Both the wait above and the request's stream fail with whatever fails the session.
    this.#connected.catch(() => {});
    this.#session.on('error', () => {});
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: ClientSessionRequestOptions,
  ): Promise<ClientHttp2Stream> {
    await this.#connected;
    return this.#session.request({ ...headers, ':method': method, ':path': path }, options);
  }

  notifyResponseByteRead(): void {}

  /** Ends connection and stream at once. */
  destroy(): void {
    this.#session.destroy();
  }
}
