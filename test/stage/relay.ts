import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP connection's way to servers on loopback, which can be cut, and can stand still. */
export class Relay {
  readonly port: number;
  readonly #targets: readonly number[];
  #turn = 0;
  #frozen = false;
  readonly #sockets = new Set<Socket>();
  #server: Server;

  private constructor(server: Server, targets: readonly number[]) {
    this.#server = server;
    this.#targets = targets;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#join(socket));
  }

  /** @param targets ports that take turns: one connection each */
  static async start(...targets: number[]): Promise<Relay> {
    return new Relay(await listen(0), targets);
  }

  /** Nothing passes any more, and nobody is told; what was sent arrives after `thaw`. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Breaks all connections; new ones are refused. */
  async cut(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    this.#server = await listen(this.port);
    this.#server.on('connection', (socket) => this.#join(socket));
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.cut();
  }

  #join(near: Socket): void {
    const far = connect(this.#targets[this.#turn++ % this.#targets.length] ?? 0, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('data', (chunk) => other.write(chunk));
      one.on('end', () => other.end());
      if (this.#frozen) one.pause();
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
