import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from './gen/workload_pb.ts';

/** One open stream of `FetchX509SVID`. */
interface Stream {
  send(message: X509SVIDResponse): void;
  /** What was sent before still arrives. */
  end(error: ConnectError): void;
}

/** A gRPC server for `FetchX509SVID` on a Unix socket. What it says is decided by `greet` and by its owner. */
export class WorkloadEndpoint {
  readonly #socketPath: string;
  readonly #greet: () => X509SVIDResponse | ConnectError | undefined;
  readonly #streams = new Set<Stream>();
  readonly #waiting = new Set<() => void>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #server: Http2Server | undefined;
  /** Streams that were ever asked for, refused ones included. */
  opened = 0;

  /**
   * @param greet what a new stream gets: a message and what is broadcast later, an error that ends it, or
   * (undefined) nothing for now
   */
  constructor(socketPath: string, greet: () => X509SVIDResponse | ConnectError | undefined) {
    this.#socketPath = socketPath;
    this.#greet = greet;
  }

  async listen(): Promise<void> {
    const server = createServer(
      connectNodeAdapter({
        routes: (router) =>
          router.service(SpiffeWorkloadAPI, { fetchX509SVID: (_request, context) => this.#follow(context) }),
      }),
    );
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
    server.listen(this.#socketPath);
    await once(server, 'listening');
    this.#server = server;
  }

  /** Connections break off, the socket vanishes. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Streams that are open now. */
  get open(): number {
    return this.#streams.size;
  }

  /** Resolves when `count` streams have been asked for since the start. */
  async whenOpened(count: number): Promise<void> {
    while (this.opened < count) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  broadcast(message: X509SVIDResponse): void {
    for (const stream of this.#streams) stream.send(message);
  }

  endAll(error: ConnectError): void {
    for (const stream of this.#streams) stream.end(error);
  }

  async *#follow(context: HandlerContext): AsyncGenerator<X509SVIDResponse, void> {
    this.opened += 1;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    if (context.requestHeader.get('workload.spiffe.io') !== 'true') {
      throw new ConnectError('security header missing from request', Code.InvalidArgument);
    }
    const first = this.#greet();
    if (first instanceof ConnectError) throw first;
    let ending: ConnectError | undefined;
    let stream: Stream | undefined;
    const messages = new ReadableStream<X509SVIDResponse>({
      start: (controller) => {
        let closed = false;
        const close = (): void => {
          if (stream !== undefined) this.#streams.delete(stream);
          if (!closed) controller.close();
          closed = true;
        };
        stream = {
          send: (message) => controller.enqueue(message),
          end: (error) => {
            ending = error;
            close();
          },
        };
        this.#streams.add(stream);
        context.signal.addEventListener('abort', close, { once: true });
        if (first !== undefined) stream.send(first);
      },
    });
    yield* messages;
    if (ending !== undefined) throw ending;
  }
}
