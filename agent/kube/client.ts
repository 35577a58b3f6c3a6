import { systemClock, type Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { Reach, type ReachOptions } from '../reach.ts';
import { Access, type AccessOptions } from './access.ts';
import { parseJson, readStatus, readText } from './body.ts';
import { Deadline, noticed } from './deadline.ts';
import { codeOf, KubeError } from './error.ts';
import type { WireAnswer } from './exchange.ts';
import { readLines } from './lines.ts';
import { APPLY, METADATA, OBJECT } from './media-type.ts';
import {
  queryString,
  type ApplyOptions,
  type GetOptions,
  type KubeRequest,
  type Query,
  type StreamOptions,
} from './request.ts';
import { Transport, type Connections, type Send, type Use } from './transport.ts';
import { parseEvent, type WatchEvent } from './watch-event.ts';

export interface KubeClientOptions extends Omit<AccessOptions, 'clock'> {
  metrics: { kubeRequests: Pick<Metrics['kubeRequests'], 'inc'> };
  clock?: Clock;
  /** How the server's name is looked up; default: as the C library of a pod does, without its threads. */
  names?: ReachOptions['names'];
  userAgent?: string;
}

const TIMEOUT_MS = 30_000;
/**
 * Of what changes something: a third of the default hand-over delay, so that a write which hangs is over long before
 * another agent may serve the namespace.
 */
const MUTATION_TIMEOUT_MS = 10_000;
/** What Node says of a server whose certificate does not fit the CA, or of a client certificate that is not accepted. */
const UNVERIFIED = /CERT|VERIFY|ISSUER|TLS/;
const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

interface Exchange extends KubeRequest {
  use: Use;
  /** The method's name in the metrics. */
  label?: string;
}

interface Answer {
  response: WireAnswer;
  pool: Connections;
}

/** Requests to the Kubernetes API: JSON in and out, each with a deadline, failures as KubeError. */
export class KubeClient {
  readonly #access: Pick<Access, 'server' | 'credentials' | 'doubt'>;
  readonly #transport: Pick<Transport, 'pool' | 'distrust' | 'close'>;
  readonly #prefix: string;
  readonly #options: KubeClientOptions & { clock: Clock };
  readonly #term: AbortSignal | undefined;

  private constructor(
    access: Pick<Access, 'server' | 'credentials' | 'doubt'>,
    options: KubeClientOptions & { clock: Clock },
    transport?: Pick<Transport, 'pool' | 'distrust' | 'close'>,
    term?: AbortSignal,
  ) {
    const { origin, pathname } = new URL(access.server);
    this.#access = access;
    this.#options = options;
    this.#term = term;
    const { clock, names } = options;
    const reach = new Reach({ clock, ...(names && { names }) });
    this.#transport = transport ?? new Transport({ origin, reach, clock });
    this.#prefix = pathname === '/' ? '' : pathname;
  }

  /**
   * A client for the kubeconfig, or for the pod's ServiceAccount. Asks the server nothing yet.
   * @throws KubeError `KubeconfigInvalid`, `KubeconfigUnreadable` or `ContextUnknown`
   */
  static async load(options: KubeClientOptions): Promise<KubeClient> {
    const complete = { ...options, clock: options.clock ?? systemClock };
    return new KubeClient(await Access.load(complete), complete);
  }

  /** A client that presents what `access` has. */
  static of(
    access: Access,
    options: Pick<KubeClientOptions, 'metrics' | 'clock' | 'names' | 'userAgent'>,
  ): KubeClient {
    return new KubeClient(access, { ...options, clock: options.clock ?? systemClock });
  }

  /** A client over a function that carries its requests in place of connections, with nothing to prove who it is. */
  static over(send: Send, options: { metrics: KubeClientOptions['metrics']; clock: Clock }): KubeClient {
    const credentials = { headers: {}, tls: { rejectUnauthorized: true } };
    const access = { server: 'https://kubernetes', credentials: async () => credentials, doubt: () => {} };
    const transport = {
      pool: (use: Use): Connections => ({ request: (request) => send(use, request) }),
      distrust: () => {},
      close: async () => {},
    };
    return new KubeClient(access, options, transport);
  }

  /**
   * The same client for a term that ends with `term`: then what only reads is abandoned, what changes something and has
   * left is finished, within its deadline, and nothing leaves any more: `NotSent`.
   */
  until(term: AbortSignal): KubeClient {
    return new KubeClient(this.#access, this.#options, this.#transport, term);
  }

  /**
   * The object that the server answers with; `undefined` if its body is empty.
   * @throws KubeError
   */
  async request<T>(request: KubeRequest): Promise<T> {
    return (await this.#exchange<T>(request)).object;
  }

  /**
   * One object, or as much of a collection as the server gives in one piece.
   * @throws KubeError
   */
  get<T>(path: string, { metadataOnly = false, notOlderThan, signal }: GetOptions = {}): Promise<T> {
    const query = { resourceVersion: notOlderThan };
    return this.request<T>({ method: 'GET', path, query, accept: metadataOnly ? METADATA : OBJECT, signal });
  }

  /**
   * Server-side apply. `created` tells 201 from 200: whether the object was absent.
   * @throws KubeError
   */
  async apply<T>(
    path: string,
    body: object,
    options: ApplyOptions,
  ): Promise<{ created: boolean; object: T }> {
    const { fieldManager, force, metadataOnly = false, subresource, ...rest } = options;
    const { status, object } = await this.#exchange<T>({
      method: 'PATCH',
      path: subresource === undefined ? path : `${path}/${subresource}`,
      query: { fieldManager, force },
      body,
      contentType: APPLY,
      accept: metadataOnly ? METADATA : OBJECT,
      ...rest,
    });
    return { created: status === 201, object };
  }

  /**
   * The events of a watch until the server ends it; leaving the loop closes it.
   * @throws KubeError, also for an ERROR event (its `status` is the Status's code), for a line that is cut off, and
   * `Silent`
   */
  async *stream(
    path: string,
    query: Query,
    options: StreamOptions,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    for await (const line of this.lines(path, query, options)) yield parseEvent(line);
  }

  /**
   * The lines of an answer as they come, such as a pod's log; leaving the loop closes it.
   * @throws KubeError, also `CutOff` if the last line has no end
   */
  async *lines(path: string, query: Query, options: StreamOptions): AsyncGenerator<string, void, undefined> {
    const { accept = OBJECT, signal, silenceMs, onOpen } = options;
    const silence = typeof silenceMs === 'number' ? silenceMs : silenceMs();
    const { openingMs = Math.min(TIMEOUT_MS, silence) } = options;
    const { clock } = this.#options;
    const alarm = new Deadline(clock, [signal, this.#term], openingMs, 'Timeout');
    let pool: Connections | undefined;
    try {
      const answer = await this.#send(
        { method: 'GET', path, query, accept, use: 'watches', label: 'WATCH' },
        alarm,
      );
      pool = answer.pool;
      onOpen?.();
      alarm.restart(silenceMs, 'Silent');
      yield* readLines(noticed(answer.response.body, alarm));
    } catch (error) {
      throw this.#failure(error, alarm, pool);
    } finally {
      alarm.end();
    }
  }

  /** Ends everything that is under way. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #exchange<T>(request: KubeRequest): Promise<{ status: number; object: T }> {
    const reads = request.method === 'GET';
    const { timeoutMs = reads ? TIMEOUT_MS : MUTATION_TIMEOUT_MS } = request;
    const signals = [request.signal, reads ? this.#term : undefined];
    const deadline = new Deadline(this.#options.clock, signals, timeoutMs, 'Timeout');
    let pool: Connections | undefined;
    try {
      const answer = await this.#send({ ...request, use: 'requests' }, deadline);
      pool = answer.pool;
      const body = await readText(answer.response.body, LARGEST_ANSWER_BYTES);
      return { status: answer.response.statusCode, object: (body === '' ? undefined : parseJson(body)) as T };
    } catch (error) {
      throw this.#failure(error, deadline, pool);
    } finally {
      deadline.end();
    }
  }

  /** The headers of a 2xx answer, or an error. A 401 is asked once more, with credentials read anew. */
  async #send(exchange: Exchange, deadline: Deadline): Promise<Answer> {
    const answer = await this.#attempt(exchange, deadline, false);
    const { statusCode, body } = answer.response;
    if (statusCode !== 401) return succeeded(answer);
    await body.dump();
    return succeeded(await this.#attempt(exchange, deadline, true));
  }

  async #attempt(exchange: Exchange, deadline: Deadline, afterRefusal: boolean): Promise<Answer> {
    const {
      method,
      path,
      query = {},
      body,
      contentType = OBJECT,
      accept = OBJECT,
      use,
      label = method,
    } = exchange;
    const mayLeave = this.#guard(exchange.mayLeave);
    const credentials = await this.#access.credentials(afterRefusal, deadline.signal);
    if (mayLeave?.() === false) throw new KubeError(0, { code: 'NotSent' });
    const pool = this.#transport.pool(use, credentials);
    const { kubeRequests } = this.#options.metrics;
    try {
      const response = await pool.request({
        method,
        path: this.#prefix + path + queryString(query),
        headers: {
          'user-agent': this.#options.userAgent ?? 'vsecm-agent',
          accept,
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...credentials.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: deadline.signal,
        mayLeave,
      });
      kubeRequests.inc({ method: label, status: String(response.statusCode) });
      return { response, pool };
    } catch (error) {
      if (!(error instanceof KubeError && error.code === 'NotSent'))
        kubeRequests.inc({ method: label, status: '0' });
      if (deadline.missed !== undefined) this.#transport.distrust(pool);
      if (UNVERIFIED.test(codeOf(error))) this.#access.doubt();
      throw error;
    }
  }

  #guard(mayLeave: (() => boolean) | undefined): (() => boolean) | undefined {
    const term = this.#term;
    return term === undefined ? mayLeave : () => !term.aborted && mayLeave?.() !== false;
  }

  #failure(error: unknown, deadline: Deadline, pool: Connections | undefined): KubeError {
    if (deadline.missed === undefined && deadline.aborted)
      return new KubeError(0, { code: this.#term?.aborted === true ? 'NotSent' : 'Aborted' });
    if (deadline.missed === undefined) return KubeError.fromThrown(error);
    if (pool !== undefined) this.#transport.distrust(pool);
    return new KubeError(0, { code: deadline.missed });
  }
}

async function succeeded(answer: Answer): Promise<Answer> {
  const { statusCode, headers, body } = answer.response;
  if (statusCode >= 200 && statusCode < 300) return answer;
  const header = headers['retry-after'];
  throw KubeError.fromStatus(
    statusCode,
    await readStatus(body),
    typeof header === 'string' ? header : undefined,
  );
}
