import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { Registration } from './store.ts';

export interface PeerAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Somebody who talks to a Safe on loopback over mutual TLS, with the certificate that it is given. */
export class SafePeer {
  readonly #port: () => number;
  readonly #tls: () => Promise<ConnectionOptions>;

  constructor(options: { port: () => number; tls: () => Promise<ConnectionOptions> }) {
    this.#port = options.port;
    this.#tls = options.tls;
  }

  /** Registers one secret as VSecM Sentinel does; the name as Safe keys it. */
  register({ name, ...rest }: Registration): Promise<PeerAnswer> {
    return this.send('POST', '/sentinel/v1/secrets', JSON.stringify({ workloads: [name], ...rest }));
  }

  delete(name: string): Promise<PeerAnswer> {
    return this.send('DELETE', '/sentinel/v1/secrets', JSON.stringify({ workloads: [name] }));
  }

  /** Reads the secrets as a workload does. */
  read(): Promise<PeerAnswer> {
    return this.send('GET', '/workload/v1/secrets');
  }

  /** One request on a connection of its own. Rejects with Node's error if the connection fails. */
  async send(method: string, path: string, body: string | Buffer = ''): Promise<PeerAnswer> {
    const tls = await this.#tls();
    return new Promise((resolve, reject) => {
      // Node frames the body of a DELETE only if it is told its length.
      const headers = { 'content-length': Buffer.byteLength(body) };
      const options = {
        ...tls,
        headers,
        host: '127.0.0.1',
        port: this.#port(),
        method,
        path,
        agent: false,
        checkServerIdentity: () => undefined,
      };
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
