import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GateControls, type Failure } from './gate-controls.ts';
import { Ca } from './pki.ts';
import { requestInfo, type RequestInfo } from './request-info.ts';
import { newRecord, type RequestRecord } from './request-record.ts';

/** A request as the server behind a gate sees it. */
export interface GateRequest {
  method: string;
  /** Path and query. */
  target: string;
  /** undefined for a path that names no resource. */
  info: RequestInfo | undefined;
  headers: Record<string, string | undefined>;
  body: string;
  /** Aborted when the client is gone. */
  signal: AbortSignal;
}

export interface GateAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string | AsyncIterable<string>;
}

/** Takes over a connection of HTTP/1.1 whose client asks for another protocol. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;

export type Handler = (request: GateRequest) => Promise<GateAnswer>;

const REASONS: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/**
 * HTTPS on loopback, HTTP/2 or 1.1 as the client likes, in front of something that answers as an API
 * server does: the development one, or the real one that is asked in turn. `controls` act here, so the
 * same faults can be had with both.
 */
export class Gate {
  readonly url: string;
  readonly caPem: string;
  readonly controls = new GateControls();
  readonly #server: Http2SecureServer;
  /** By the client's port. */
  readonly #sockets = new Map<number, Socket>();
  readonly #handler: Handler;
  readonly #adminToken: string | undefined;

  private constructor(
    server: Http2SecureServer,
    caPem: string,
    handler: Handler,
    adminToken: string | undefined,
  ) {
    this.#server = server;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.caPem = caPem;
    this.#handler = handler;
    this.#adminToken = adminToken;
    server.on('secureConnection', (socket: Socket) => {
      const port = socket.remotePort ?? 0;
      this.#sockets.set(port, socket);
      socket.on('close', () => this.#sockets.delete(port));
      socket.on('error', () => {});
    });
    server.on('request', (request, response) => {
      this.#serve(request, response).catch(() => response.stream?.destroy?.());
    });
  }

  /**
   * Requests with `adminToken` pass unseen by the controls. What `upgrade` takes over is not recorded; without it such a
   * request is answered as if it had not asked.
   */
  static async start(handler: Handler, adminToken?: string, upgrade?: Upgrade): Promise<Gate> {
    const ca = await Ca.create('devcluster');
    const issued = await ca.issue({
      subject: 'CN=kube-apiserver',
      sans: [
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ],
    });
    const server = createSecureServer({ key: issued.keyPem, cert: issued.chainPem, allowHTTP1: true });
    if (upgrade !== undefined) {
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        upgrade(request, socket, head).catch(() => socket.destroy());
      });
    }
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Gate(server, ca.certPem, handler, adminToken);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const record = newRecord(request);
    // Not through the HTTP/2 session: destroyed, that ends one of its streams as if all were well.
    const port =
      (request.httpVersionMajor === 2 ? request.stream.session?.socket : request.socket)?.remotePort ?? 0;
    const cutOff = (): void => void this.#sockets.get(port)?.destroy();
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.on('error', () => {});
    const seen = request.headers.authorization !== `Bearer ${this.#adminToken}`;
    if (!seen) return this.#answer(request, response, record, gone.signal);
    this.controls.requests.push(record);
    this.controls.breakers.set(record, cutOff);
    record.open = true;
    try {
      if (this.controls.take('cut', record).length > 0) return cutOff();
      for (const { ms } of this.controls.take('delay', record))
        await sleep(ms, undefined, { signal: gone.signal });
      for (const { run } of this.controls.take('before', record)) await run(record);
      const [fault] = this.controls.take('fail', record);
      if (fault !== undefined) {
        await request.resume().toArray();
        record.status = fault.failure.status;
        return send(response, failureAnswer(fault.failure));
      }
      if (record.verb === 'watch' && this.controls.take('silence', record).length > 0)
        this.controls.silenced.add(record);
      await this.#answer(request, response, record, gone.signal, cutOff);
    } finally {
      record.open = false;
      this.controls.answered(record);
    }
  }

  async #answer(
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    record: RequestRecord,
    signal: AbortSignal,
    cutOff?: () => void,
  ): Promise<void> {
    const body = Buffer.concat(await request.toArray()).toString();
    const headers = request.headers as Record<string, string | undefined>;
    const info = requestInfo(record.method, record.target);
    const answer = await this.#handler({
      method: record.method,
      target: record.target,
      info,
      headers,
      body,
      signal,
    });
    if (cutOff !== undefined) {
      for (const { run } of this.controls.take('after', record)) await run(record);
      if (this.controls.take('lose', record).length > 0) return cutOff();
    }
    record.status = answer.status;
    if (typeof answer.body !== 'string') this.controls.answered(record);
    await send(response, answer, () => this.controls.silenced.has(record));
  }
}

async function send(
  response: Http2ServerResponse,
  { status, headers, body }: GateAnswer,
  silent = (): boolean => false,
): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  if (typeof body === 'string') return void response.end(body);
  // Not in the type of the HTTP/2 response, but there.
  (response as unknown as { flushHeaders(): void }).flushHeaders();
  for await (const chunk of body) {
    if (silent() || response.writableEnded) continue;
    if (!response.write(chunk) && !response.destroyed) await drained(response);
  }
  response.end();
}

/** Resolves when more can be written, or never again; leaves no listener behind. */
async function drained(response: Http2ServerResponse): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  done.abort();
}

function failureAnswer({ status, reason = REASONS[status] ?? 'Unknown', retryAfter }: Failure): GateAnswer {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'said by a test',
    reason,
    code: status,
  };
  return {
    status,
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    body: JSON.stringify(body),
  };
}
