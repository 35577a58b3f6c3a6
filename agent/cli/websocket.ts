import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Access } from '../kube/access.ts';
import { readStatus } from '../kube/body.ts';
import { KubeError } from '../kube/error.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  LONGEST_MESSAGE_BYTES,
  maskedFrame,
  parseFrame,
  PING,
  PONG,
  type Frame,
} from './websocket-frame.ts';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Opens a WebSocket (RFC 6455) at the API server. By hand, since the ones at hand hide the status of a refusal, which is
 * what a person needs to know.
 * @throws KubeError
 */
export async function openWebSocket(
  access: Access,
  path: string,
  protocol: string,
  signal: AbortSignal,
): Promise<WebSocketMessages> {
  const { headers, tls } = await access.credentials();
  const url = new URL(access.server.replace(/\/$/, '') + path);
  const key = randomBytes(16).toString('base64');
  const { promise, resolve, reject } = Promise.withResolvers<WebSocketMessages>();
  const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, {
    ...tls,
    agent: false,
    signal,
    headers: {
      ...headers,
      'user-agent': 'kubectl-vsecm',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
      'sec-websocket-protocol': protocol,
    },
  });
  request.on('error', (error) => reject(KubeError.fromThrown(error)));
  request.on('response', (response: IncomingMessage) => {
    readStatus(response).then(
      (body) => reject(KubeError.fromStatus(response.statusCode ?? 0, body)),
      (error: unknown) => reject(KubeError.fromThrown(error)),
    );
  });
  request.on('upgrade', (response, socket, head) => {
    const accepted = createHash('sha1')
      .update(key + MAGIC)
      .digest('base64');
    const { 'sec-websocket-accept': accept, 'sec-websocket-protocol': chosen } = response.headers;
    if (accept === accepted && chosen === protocol) return resolve(new WebSocketMessages(socket, head));
    socket.destroy();
    reject(new KubeError(0, { code: 'Malformed' }));
  });
  request.end();
  return promise;
}

/** Binary messages over a socket that has been upgraded; iterating ends with the connection. */
export class WebSocketMessages implements AsyncIterable<Buffer> {
  readonly #socket: Duplex;
  #held: Buffer;

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    this.#held = head;
    socket.on('error', () => {});
  }

  /** Sends one message; `sent` is called when there is room for the next. */
  send(message: Buffer, sent: (error?: Error | null) => void): void {
    this.#socket.write(maskedFrame(BINARY, message), sent);
  }

  /** Says goodbye and ends the connection. */
  close(): void {
    // 1000: all is well.
    this.#socket.end(maskedFrame(CLOSE, Buffer.from([0x03, 0xe8])));
  }

  /** @throws KubeError `Malformed` or `TooLarge` */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    let parts: Buffer[] = [];
    for await (const { final, opcode, payload } of this.#frames()) {
      if (opcode === CLOSE) return;
      if (opcode === PING) this.#socket.write(maskedFrame(PONG, payload));
      if (opcode > BINARY) continue;
      parts = opcode === CONTINUATION ? [...parts, payload] : [payload];
      if (parts.reduce((sum, part) => sum + part.length, 0) > LONGEST_MESSAGE_BYTES)
        throw new KubeError(0, { code: 'TooLarge' });
      if (final) yield Buffer.concat(parts);
    }
  }

  async *#frames(): AsyncGenerator<Frame, void, undefined> {
    const chunks = this.#socket[Symbol.asyncIterator]();
    for (;;) {
      const frame = parseFrame(this.#held);
      if (frame !== undefined) {
        this.#held = this.#held.subarray(frame.bytes);
        yield frame;
        continue;
      }
      const next = await chunks.next();
      if (next.done) return;
      this.#held = Buffer.concat([this.#held, next.value as Buffer]);
    }
  }
}
