import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** One thing that must hold for the agent to be ready, by name. */
export type Checks = Readonly<Record<string, () => boolean>>;

export interface HealthOptions {
  /** TCP port on all addresses of the pod; 0: any that is free. */
  port: number;
  host?: string;
  /** Conditions of readiness. */
  checks: Checks;
  /** The metrics in Prometheus' text format. */
  metrics: () => Promise<{ type: string; text: string }>;
}

/** `/livez`, `/readyz` and `/metrics` for the kubelet and Prometheus. */
export class HealthServer {
  readonly #options: HealthOptions;
  readonly #server: Server;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 10_000 }, (request, response) => {
      const send = (status: number, type: string, body: string): void => {
        response
          .writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
          .end(request.method === 'HEAD' ? '' : body);
      };
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return send(405, 'text/plain', 'method not allowed\n');
      // Not the URL parser: it throws on some of what a client may send, such as `//`.
      switch (request.url?.split('?', 1)[0]) {
        case '/livez':
          return send(200, 'text/plain', 'ok\n');
        case '/readyz': {
          const { ready, lines } = this.#readiness();
          return send(ready ? 200 : 503, 'text/plain', lines);
        }
        case '/metrics':
          options.metrics().then(
            ({ type, text }) => send(200, type, text),
            () => send(500, 'text/plain', 'metrics failed\n'),
          );
          return;
        default:
          return send(404, 'text/plain', 'try /livez, /readyz or /metrics\n');
      }
    });
  }

  /** Begins to listen; resolves to the port. Rejects if the port cannot be had. */
  async listen(): Promise<number> {
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #readiness(): { ready: boolean; lines: string } {
    const results = Object.entries(this.#options.checks).map(([name, holds]) => ({ name, ok: holds() }));
    return {
      ready: results.every(({ ok }) => ok),
      lines: results.map(({ name, ok }) => `[${ok ? '+' : '-'}] ${name} ${ok ? 'ok' : 'not yet'}\n`).join(''),
    };
  }
}
