import type { Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions, TLSSocket } from 'node:tls';
import type { buildConnector as Undici } from 'undici';
import { buildConnector, Client } from '../undici.ts';
import type { Reach } from '../reach.ts';
import type { CertificateDates } from '../spiffe/error.ts';
import { failureOfConnection, type PeerErrorOf } from './connection-failure.ts';
import { SafeError } from './error.ts';
import { serverNameOf } from './url.ts';
import { gather, noEvidence, type Evidence, type Phase } from './evidence.ts';

export interface SafeConnectionOptions {
  /** What is asked: https, with its path. */
  url: URL;
  reach: Pick<Reach, 'connect'>;
  /** The SNI; default: the host. */
  serverName?: string | undefined;
  /** Own certificate and key, the bundle, and the check of the peer's SPIFFE ID. */
  tls: TlsOptions;
  peerErrorOf: PeerErrorOf;
  /** When the own certificate is valid, Unix milliseconds. */
  own: Pick<CertificateDates, 'notBefore' | 'notAfter'>;
  /** The wall clock. */
  wall: () => number;
  /** The longest body that is read. */
  maxBytes: number;
}

/** Status, `Retry-After`, and the body of a 200; other bodies are not read. */
export interface RawResponse {
  readonly status: number;
  readonly retryAfter: string | string[] | undefined;
  readonly body: Buffer;
}

/**
 * A connection to Safe that serves one request and is then closed.
 *
 * Safe is asked once in five seconds at most, longer than an idle connection is worth keeping, so there is
 * no pool: no connection outlives the identity it was made with, none has to be drained on rotation, and
 * each answer comes from a peer that was just verified. HTTP/1.1, since a single request gains nothing from
 * multiplexing and its failures are plainer. The TLS session is not resumed: that would skip the check of
 * the peer's SPIFFE ID and keep the old client identity.
 */
export class SafeConnection {
  readonly #options: SafeConnectionOptions;
  readonly #client: Client;
  readonly #evidence: Evidence;
  readonly #ended = new AbortController();
  #begun = false;
  #socket: TLSSocket | undefined;
  #destroyed = false;

  constructor(options: SafeConnectionOptions) {
    this.#options = options;
    const { notBefore, notAfter } = options.own;
    this.#evidence = noEvidence({ notBefore, notAfter, clock: options.wall() });
    const connectorOptions = { ...options.tls, maxCachedSessions: 0, allowH2: false, timeout: 0 };
    const connector = buildConnector(connectorOptions as Undici.BuildOptions);
    this.#client = new Client(options.url.origin, {
      allowH2: false,
      // undici's way to say `Connection: close`.
      pipelining: 0,
      // The caller limits the time as a whole.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (to, done) => {
        // undici would connect again if the socket closed before it could write.
        if (this.#begun) return done(new SafeError('SafeUnreachable', { cause: 'CLOSED_EARLY' }), null);
        this.#begun = true;
        void this.#open(connector, to, done);
      },
    });
  }

  get phase(): Phase {
    return this.#evidence.phase;
  }

  /** Whether it was ended by `destroy` rather than by itself or the peer. */
  get destroyed(): boolean {
    return this.#destroyed;
  }

  /** Asks once. @throws SafeError; after `destroy` its code means nothing. */
  async get(): Promise<RawResponse> {
    try {
      const { pathname: path } = this.#options.url;
      const { statusCode: status, headers, body } = await this.#client.request({ method: 'GET', path });
      body.on('error', () => {});
      this.#evidence.phase = 'reading';
      const retryAfter = headers['retry-after'];
      const wanted =
        status === 200 ? await this.#read(body, Number(headers['content-length'] ?? 0)) : Buffer.alloc(0);
      return { status, retryAfter, body: wanted };
    } catch (error) {
      throw failureOfConnection(error, this.#evidence, this.#options.peerErrorOf);
    } finally {
      this.#end();
    }
  }

  /** Ends it at once, even in the middle of a handshake. */
  destroy(): void {
    this.#destroyed = true;
    this.#end();
  }

  async #read(body: AsyncIterable<Buffer>, announced: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = announced;
    const tooLarge = (): boolean => bytes > this.#options.maxBytes;
    if (!tooLarge()) {
      bytes = 0;
      for await (const chunk of body) {
        bytes += chunk.byteLength;
        if (tooLarge()) break;
        chunks.push(chunk);
      }
    }
    if (tooLarge()) throw new SafeError('ResponseTooLarge', { status: 200 });
    return Buffer.concat(chunks, bytes);
  }

  /** TCP to whichever address of the host answers first, then TLS over it. */
  async #open(connector: Undici.connector, to: Undici.Options, done: Undici.Callback): Promise<void> {
    const { reach, serverName } = this.#options;
    const found = (): void => void (this.#evidence.phase = 'connecting');
    let httpSocket: Socket | undefined;
    try {
      const port = Number(to.port || 443);
      httpSocket = await reach.connect(to.hostname, port, this.#ended.signal, found);
      const servername = serverName ?? serverNameOf(to.hostname);
      // The declared type leaves out that a connector returns the socket it is opening.
      this.#watch(
        connector({ ...to, ...(servername && { servername }), httpSocket }, done) as unknown as TLSSocket,
      );
    } catch (error) {
      httpSocket?.destroy();
      done(error as Error, null);
    }
  }

  #watch(socket: TLSSocket): void {
    this.#socket = socket;
    if (this.#ended.signal.aborted) return void socket.destroy();
    gather(socket, this.#evidence, this.#options.wall);
  }

  #end(): void {
    this.#ended.abort();
    this.#socket?.destroy();
    // Nothing waits for it: the request has failed or is done.
    void this.#client.destroy();
  }
}
