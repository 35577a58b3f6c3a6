import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { AgentState } from '../api/state.ts';
import { renderPage } from './page.ts';

export interface PageServerOptions {
  /** TCP port on the loopback addresses; 0: any that is free. */
  port: number;
  /** What is shown, at the moment of the request. */
  state: () => Promise<AgentState>;
}

/**
 * A web page that somebody opens may make their browser send requests to a forwarded port, under a name of its
 * own choosing that resolves to 127.0.0.1. Such a name is what the request's Host then says.
 */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$/i;

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** The node's page at `/` and what it is made from at `/state.json`: read only, on loopback only. */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #servers: Server[] = [];

  constructor(options: PageServerOptions) {
    this.#options = options;
  }

  /** Begins to listen; resolves to the port. Rejects if the port cannot be had on 127.0.0.1; `::1` may be absent. */
  async listen(): Promise<number> {
    const port = await this.#listen(this.#options.port, '127.0.0.1');
    await this.#listen(port, '::1').catch(() => undefined);
    return port;
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.splice(0).map(async (server) => {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      }),
    );
  }

  async #listen(port: number, host: string): Promise<number> {
    const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    server.listen(port, host);
    await once(server, 'listening');
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, type: string, body: string, headers: Record<string, string> = {}): void => {
      response
        .writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8`, ...headers })
        .end(body);
    };
    const { host = '' } = request.headers;
    if (!LOCAL_HOST.test(host))
      return send(421, 'text/plain', 'this page is for localhost, 127.0.0.1 and [::1]\n');
    if (request.method !== 'GET') return send(405, 'text/plain', 'GET only\n', { allow: 'GET' });
    const path = request.url?.split('?', 1)[0];
    if (path !== '/' && path !== '/state.json') return send(404, 'text/plain', 'try / or /state.json\n');
    let state: AgentState;
    try {
      state = await this.#options.state();
    } catch {
      return send(500, 'text/plain', 'the state cannot be told\n');
    }
    if (path === '/state.json') return send(200, 'application/json', JSON.stringify(state));
    const nonce = randomBytes(16).toString('base64');
    send(200, 'text/html', renderPage(state, nonce), { 'content-security-policy': policy(nonce) });
  }
}

const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
