import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Ca } from '../devcluster/pki.ts';
import type { LogLines } from '../stage/log-lines.ts';

/** What runs in a pod: its log, and where its loopback ports really are. */
export interface Container {
  log: LogLines;
  ports?: ReadonlyMap<number, number>;
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The port of a kubelet that the API server passes `logs` and `port-forward` on to: `/containerLogs` and `/portForward`
 * with the subprotocol v4.channel.k8s.io, as its e2e test has it (kubernetes 1.37, test/e2e/kubectl/portforward.go): each
 * channel, 0 for data and 1 for errors, begins with the port's number in little endian.
 */
export class KubeletPort {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly containers = new Map<string, Container>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => this.#serve(request, response));
    server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<KubeletPort> {
    const ca = await Ca.create('kubelet');
    const { keyPem, chainPem } = await ca.issue({
      subject: 'CN=kubelet',
      sans: [{ type: 'ip', value: '127.0.0.1' }],
    });
    const server = createServer({ key: keyPem, cert: chainPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new KubeletPort(server);
  }

  /** The status of a Node that has this kubelet. */
  get nodeStatus(): object {
    const { port } = this.#server.address() as AddressInfo;
    return {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet');
    const [, kind, namespace, pod] = pathname.split('/');
    const container = this.containers.get(`${namespace}/${pod}`);
    if (kind !== 'containerLogs' || container === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/plain' });
    const { log } = container;
    const tail = Number(searchParams.get('tailLines') ?? Infinity);
    let sent = Math.max(0, log.lines.length - tail);
    const flush = (): void => {
      for (; sent < log.lines.length; sent++) response.write(`${JSON.stringify(log.lines[sent])}\n`);
    };
    flush();
    if (searchParams.get('follow') !== 'true') return void response.end();
    response.on('close', log.each(flush));
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet');
    const [, kind, namespace, pod] = pathname.split('/');
    const container = this.containers.get(`${namespace}/${pod}`);
    if (kind !== 'portForward' || container === undefined)
      return void socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key'] ?? ''}${MAGIC}`)
      .digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
        `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: v4.channel.k8s.io\r\n\r\n`,
    );
    const port = Number(searchParams.get('port') ?? searchParams.get('ports'));
    const number = Buffer.from([port & 0xff, port >> 8]);
    for (const channel of [0, 1]) socket.write(frame(Buffer.concat([Buffer.from([channel]), number])));
    const refused = (): void => {
      const text = `error forwarding port ${port}: dial tcp4 127.0.0.1:${port}: connect: connection refused`;
      socket.write(frame(Buffer.concat([Buffer.from([1]), Buffer.from(text)])));
      socket.end(frame(Buffer.alloc(0), 8));
    };
    const real = container.ports?.get(port);
    if (real === undefined) return refused();
    const upstream = connect(real, '127.0.0.1');
    upstream.on('error', refused);
    upstream.on('data', (data) => socket.write(frame(Buffer.concat([Buffer.from([0]), data]))));
    upstream.on('end', () => socket.end(frame(Buffer.alloc(0), 8)));
    socket.on('close', () => upstream.destroy());
    let held = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let next = unmask(held); next !== undefined; next = unmask(held)) {
        held = held.subarray(next.bytes);
        if (next.opcode === 2 && next.payload[0] === 0) upstream.write(next.payload.subarray(1));
      }
    });
  }
}

/** A frame as a server sends it. */
function frame(payload: Buffer, opcode = 2): Buffer {
  const { length } = payload;
  const size =
    length > 0xffff
      ? Buffer.from([127, 0, 0, 0, 0, length >>> 24, length >>> 16, length >>> 8, length])
      : length > 125
        ? Buffer.from([126, length >>> 8, length])
        : Buffer.from([length]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, payload]);
}

/** The first frame of a client, whole and short enough for a request. */
function unmask(data: Buffer): { opcode: number; payload: Buffer; bytes: number } | undefined {
  if (data.length < 6) return undefined;
  const short = data[1]! & 0x7f;
  const start = short === 126 ? 4 : 2;
  const length = short === 126 ? data.readUInt16BE(2) : short;
  const end = start + 4 + length;
  if (data.length < end) return undefined;
  const mask = data.subarray(start, start + 4);
  const payload = Buffer.from(data.subarray(start + 4, end).map((byte, index) => byte ^ mask[index & 3]!));
  return { opcode: data[0]! & 0x0f, payload, bytes: end };
}
