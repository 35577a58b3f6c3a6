import type { Credentials } from './access.ts';
import type { WireAnswer, WireRequest } from './exchange.ts';
import { Line, type LineOptions } from './line.ts';

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

export type TransportOptions = Pick<LineOptions, 'origin' | 'reach' | 'clock'>;

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
  readonly #options: TransportOptions;
  #key = '';
  readonly #current: Partial<Record<Use, Line>> = {};
  /** Replaced ones, with requests still under way. */
  readonly #retired = new Set<Line>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** The pool for `use`: another one as soon as CA or client certificate differ, so that both can rotate. */
  pool(use: Use, { tls }: Credentials): Connections {
    const key = JSON.stringify(tls);
    if (key !== this.#key) {
      this.#retire('requests');
      this.#retire('watches');
      this.#key = key;
    }
    const connections = use === 'requests' ? MOST_CONNECTIONS : null;
    return (this.#current[use] ??= new Line({ ...this.#options, tls, connections }));
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
    await Promise.all([...this.#retired].map((line) => line.destroy()));
  }

  #retire(use: Use): void {
    const line = this.#current[use];
    if (line === undefined) return;
    delete this.#current[use];
    this.#retired.add(line);
    // What still runs on it may finish; each request has a deadline, and each watch an end.
    const gone = (): unknown => this.#retired.delete(line);
    line.close().then(gone, gone);
  }
}

const MOST_CONNECTIONS = 32;
