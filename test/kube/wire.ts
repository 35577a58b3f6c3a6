import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { TestContext } from 'node:test';

/** One request as it came in, waiting for the test to answer it. */
export class Asked {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #body: Buffer[] = [];

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.#response = response;
    const url = new URL(request.url ?? '/', 'http://wire');
    this.path = url.pathname;
    this.query = url.searchParams;
    request.on('data', (chunk: Buffer) => this.#body.push(chunk));
  }

  get socket(): Socket {
    return this.request.socket;
  }

  header(name: string): string | undefined {
    return this.request.headers[name] as string | undefined;
  }

  async body(): Promise<any> {
    if (!this.request.readableEnded) await once(this.request, 'end');
    return JSON.parse(Buffer.concat(this.#body).toString());
  }

  answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, { 'content-type': 'application/json', ...headers });
    this.#response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  /** A Status as the API server makes it. */
  status(code: number, reason: string, more: object = {}, headers: Record<string, string> = {}): void {
    this.answer(code, status(code, reason, more), headers);
  }

  /** Events of a watch, which stays open. */
  events(...events: object[]): this {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'content-type': 'application/json' });
    this.#response.flushHeaders();
    for (const event of events) this.#response.write(`${JSON.stringify(event)}\n`);
    return this;
  }

  /** Bytes of a watch, whatever they are. */
  raw(bytes: string | Buffer): void {
    this.events();
    this.#response.write(bytes);
  }

  /** Ends the answer as the server does when `timeoutSeconds` have passed. */
  end(): void {
    this.#response.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves when the client has closed its side. */
  async whenClosed(): Promise<void> {
    if (!this.#response.closed) await once(this.#response, 'close');
  }
}

export function status(code: number, reason: string, more: object = {}): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: 'the value s3cr3t is wrong',
    reason,
    code,
    ...more,
  };
}

/** A server that speaks HTTP as a test tells it to, one request at a time. */
export class Wire {
  readonly #server: Server | Http2SecureServer;
  readonly #asked: Asked[] = [];
  readonly #askers: ((asked: Asked) => void)[] = [];
  readonly #sockets = new Set<Socket>();
  #aside: (asked: Asked) => boolean = () => false;
  /** Connections since the start. */
  connections = 0;
  requests = 0;

  private constructor(server: Server | Http2SecureServer) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requests += 1;
      const asked = new Asked(request, response);
      if (this.#aside(asked)) return;
      const asker = this.#askers.shift();
      if (asker === undefined) this.#asked.push(asked);
      else asker(asked);
    });
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('sessionError', () => {});
  }

  /** Plain HTTP/1.1, or HTTP/2 and 1.1 over TLS; stopped when the test ends. */
  static async start(t: TestContext, tls?: { cert: string; key: string }, port = 0): Promise<Wire> {
    const wire = new Wire(
      tls === undefined ? createServer() : createSecureServer({ ...tls, allowHTTP1: true }),
    );
    wire.#server.listen(port, '127.0.0.1');
    await once(wire.#server, 'listening');
    t.after(() => wire.stop());
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next request that nobody has taken yet. */
  next(): Promise<Asked> {
    const asked = this.#asked.shift();
    return asked === undefined
      ? new Promise((resolve) => this.#askers.push(resolve))
      : Promise.resolve(asked);
  }

  /** `take` sees each request first, and answers it if it returns true: `next` never does then. */
  takeAside(take: (asked: Asked) => boolean): void {
    this.#aside = take;
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#asked.length;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}

/** A folder that is removed when the test ends. */
export async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'kube-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** Writes a kubeconfig into `path`; the parts of cluster and user as given. */
export async function writeConfig(path: string, cluster: object, user: object = {}): Promise<string> {
  const file = join(path, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'it', user: 'me' } }],
    clusters: [{ name: 'it', cluster }],
    users: [{ name: 'me', user }],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** Lets promises and sockets get on until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}
