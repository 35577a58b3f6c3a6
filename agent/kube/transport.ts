import { Pool } from 'undici';
import type { Credentials } from './access.ts';
import { exchange, type WireAnswer, type WireRequest } from './exchange.ts';

/** What a pool is for: short requests, or watches that stay open. */
export type Use = 'requests' | 'watches';

/**
 * Carries one request; rejects with an error that has a code, such as ECONNREFUSED, if there is no answer. Asks
 * `mayLeave` right before the bytes leave, and rejects with the KubeError `NotSent` if they may not.
 */
export type Send = (use: Use, request: WireRequest) => Promise<WireAnswer>;

/** What requests of one use go over. */
export interface Connections {
  request(request: WireRequest): Promise<WireAnswer>;
}

/**
 * The connections to the API server, shared by everything. Measured against kube-apiserver 1.37 with 16 applies in
 * flight: one HTTP/2 connection does as many a second as 16 of HTTP/1.1 (1,040 against 1,060), with 13 MiB less of
 * RSS and one TLS handshake; a GOAWAY (`--goaway-chance`) loses no request. Where HTTP/2 is not spoken,
 * `MOST_CONNECTIONS` bounds the sockets.
 *
 * Watches have a pool of their own: what a watch does not take off the wire fills the window of the whole HTTP/2
 * connection, and over HTTP/1.1 each holds a connection for as long as it runs.
 */
export class Transport {
  readonly #origin: string;
  #key = '';
  readonly #current: Partial<Record<Use, Line>> = {};
  /** Replaced ones, with requests still under way. */
  readonly #retired = new Set<Pool>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** The pool for `use`: another one as soon as CA or client certificate differ, so that both can rotate. */
  pool(use: Use, { tls }: Credentials): Connections {
    const key = JSON.stringify(tls);
    if (key !== this.#key) {
      this.#retire('requests');
      this.#retire('watches');
      this.#key = key;
    }
    return (this.#current[use] ??= new Line(
      new Pool(this.#origin, {
        connections: use === 'requests' ? MOST_CONNECTIONS : null,
        connect: { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 },
        // kube-apiserver closes idle connections after 90 s; to be later than the server loses requests.
        keepAliveTimeout: 30_000,
        // The client has its own deadlines, by its own clock.
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
    ));
  }

  /**
   * Takes a pool out of use whose connection did not answer in time. A dead HTTP/2 connection would otherwise be
   * given to every request until TCP gives up, a quarter of an hour later (kubernetes/kubernetes#65012).
   */
  distrust(connections: Connections): void {
    if (connections === this.#current.requests) this.#retire('requests');
    if (connections === this.#current.watches) this.#retire('watches');
  }

  /** Ends all connections, and with them what is under way. */
  async close(): Promise<void> {
    this.#retire('requests');
    this.#retire('watches');
    // As with aborts, not in the microtasks in which a request may just have started: see exchange.ts.
    await new Promise<void>((resolve) => setImmediate(resolve));
    await Promise.all([...this.#retired].map((pool) => pool.destroy()));
  }

  #retire(use: Use): void {
    const pool = this.#current[use]?.pool;
    if (pool === undefined) return;
    delete this.#current[use];
    this.#retired.add(pool);
    // What still runs on it may finish; each request has a deadline, and each watch an end.
    const gone = (): unknown => this.#retired.delete(pool);
    pool.close().then(gone, gone);
  }
}

/** A pool as requests see it. */
class Line implements Connections {
  readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  request(request: WireRequest): Promise<WireAnswer> {
    return exchange(this.pool, request);
  }
}

const MOST_CONNECTIONS = 32;
