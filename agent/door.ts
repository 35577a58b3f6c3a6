import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from './clock.ts';

/** What somebody asks. */
export interface Question {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What is answered. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface DoorOptions {
  clock: Clock;
  /** Connections at a time; beyond them the oldest of whoever has most ends. */
  connections: number;
  /** Its failures are answered by 500. */
  answer: (question: Question) => Reply | Promise<Reply>;
}

/** A connection is asked, answered and read within that, milliseconds: a probe takes some, a slow network a second. */
const CONNECTION_MS = 10_000;
/** Prometheus sends 300 bytes, a browser some 2 KiB. */
const MAX_HEADER_BYTES = 8 * 1024;

/**
 * An HTTP/1.1 port that strangers may reach. A connection is good for one request, so nothing piles up behind an
 * answer that nobody reads, and for ten seconds. Whoever opens many connections loses its own, so that the kubelet
 * always gets one.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #servers: Server[] = [];
  /** In the order in which they came. */
  readonly #open = new Set<Socket>();
  readonly #asked = new WeakSet<Socket>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Begins to listen; resolves to the port, of which 0 is any that is free. Rejects if it cannot be had. */
  async listen(port: number, host?: string): Promise<number> {
    const server = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES },
      (request, response) => void this.#request(request, response),
    );
    server.on('connection', (socket: Socket) => this.#admit(socket));
    server.listen(port, host);
    await once(server, 'listening');
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.splice(0).map(async (server) => {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      }),
    );
  }

  #admit(socket: Socket): void {
    const cancel = this.#options.clock.after(CONNECTION_MS, () => socket.destroy());
    this.#open.add(socket);
    socket.once('close', () => {
      cancel();
      this.#open.delete(socket);
    });
    if (this.#open.size > this.#options.connections) this.#surplus()?.destroy();
  }

  /** The oldest connection of the address that has most of them. */
  #surplus(): Socket | undefined {
    const byAddress = Map.groupBy(this.#open, ({ remoteAddress }) => remoteAddress);
    const [most] = [...byAddress.values()].toSorted((a, b) => b.length - a.length);
    return most?.[0];
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket, method = '', url = '', headers } = request;
    if (this.#asked.has(socket)) return void socket.destroy();
    this.#asked.add(socket);
    // Not the URL parser: it throws on some of what a client may send, such as `//`.
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const reply = await this.#answer({ method, path, query, headers });
    response
      .writeHead(reply.status, {
        'cache-control': 'no-store',
        connection: 'close',
        'content-type': reply.type,
        ...reply.headers,
      })
      .end(method === 'HEAD' ? '' : reply.body);
  }

  async #answer(question: Question): Promise<Reply> {
    try {
      return await this.#options.answer(question);
    } catch {
      return { status: 500, type: 'text/plain', body: 'this cannot be told\n' };
    }
  }
}
