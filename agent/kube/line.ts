import type { buildConnector as Undici } from 'undici';
import { buildConnector, Pool } from '../undici.ts';
import type { Clock } from '../clock.ts';
import type { Reach } from '../reach.ts';
import type { Credentials } from './access.ts';
import { Deadline } from './deadline.ts';
import { KubeError } from './error.ts';
import { exchange, type WireAnswer, type WireRequest } from './exchange.ts';

export interface LineOptions {
  origin: string;
  tls: Credentials['tls'];
  /** Connections at most; null: as many as there are requests at a time. */
  connections: number | null;
  reach: Pick<Reach, 'connect'>;
  clock: Clock;
}

/** Name, TCP and TLS: as long as the longest request that may wait for them. */
const CONNECT_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;

/** A pool of connections with the same credentials. */
export class Line {
  readonly #options: LineOptions;
  readonly #pool: Pool;
  readonly #ended = new AbortController();

  constructor(options: LineOptions) {
    this.#options = options;
    const { tls, origin, connections } = options;
    const connector = buildConnector({
      ...tls,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      timeout: CONNECT_MS,
    });
    this.#pool = new Pool(origin, {
      connections,
      connect: (to, done) => void this.#connect(connector, to, done),
      // kube-apiserver closes idle connections after 90 s; to be later than the server loses requests.
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The client has its own deadlines, by its own clock.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  request(request: WireRequest): Promise<WireAnswer> {
    return exchange(this.#pool, request);
  }

  /** Takes no request any more; resolves when those under way have ended. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** Ends what is under way. Not in the microtasks in which a request may just have started: see exchange.ts. */
  async destroy(): Promise<void> {
    this.#ended.abort();
    await new Promise<void>((resolve) => setImmediate(resolve));
    await this.#pool.destroy();
  }

  /** TCP to whichever address of the host answers first, then TLS over it. */
  async #connect(connector: Undici.connector, to: Undici.Options, done: Undici.Callback): Promise<void> {
    const { reach, clock } = this.#options;
    const secure = to.protocol === 'https:';
    const deadline = new Deadline(clock, [this.#ended.signal], CONNECT_MS, 'ConnectTimeout');
    try {
      const socket = await reach.connect(
        to.hostname,
        Number(to.port || (secure ? 443 : 80)),
        deadline.signal,
      );
      if (!secure) return done(null, socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS));
      // A dot at the end is DNS's, and no part of the name in TLS.
      const servername = to.servername?.replace(/\.$/, '');
      connector({ ...to, ...(servername && { servername }), httpSocket: socket }, done);
    } catch (error) {
      const { missed } = deadline;
      done(missed === undefined ? (error as Error) : new KubeError(0, { code: missed }), null);
    } finally {
      deadline.end();
    }
  }
}
