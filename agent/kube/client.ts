import { systemClock, type Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { Reach, type ReachOptions } from '../reach.ts';
import { Access, type AccessOptions } from './access.ts';
import { parseJson, readText } from './body.ts';
import { Deadline, noticed } from './deadline.ts';
import { KubeError } from './error.ts';
import { readLines } from './lines.ts';
import { APPLY, METADATA, OBJECT } from './media-type.ts';
import type { ApplyOptions, GetOptions, KubeRequest, Query, StreamOptions } from './request.ts';
import { Sender } from './sender.ts';
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
/**
 * So much earlier the server itself is to give up: it then says what it waited for, such as a webhook that hangs, does not
 * carry out later what was given up here, and the connection is none the worse.
 */
const TO_ANSWER_MS = 1_000;
const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

interface Parts {
  sender: Sender;
  transport: Pick<Transport, 'distrust' | 'close'>;
  clock: Clock;
}

/** Requests to the Kubernetes API: JSON in and out, each with a deadline, failures as KubeError. */
export class KubeClient {
  readonly #parts: Parts;
  readonly #term: AbortSignal | undefined;

  private constructor(parts: Parts, term?: AbortSignal) {
    this.#parts = parts;
    this.#term = term;
  }

  /**
   * A client for the kubeconfig, or for the pod's ServiceAccount. Asks the server nothing yet.
   * @throws KubeError `KubeconfigInvalid`, `KubeconfigUnreadable` or `ContextUnknown`
   */
  static async load(options: KubeClientOptions): Promise<KubeClient> {
    const complete = { ...options, clock: options.clock ?? systemClock };
    return KubeClient.of(await Access.load(complete), complete);
  }

  /** A client that presents what `access` has. */
  static of(
    access: Access,
    options: Pick<KubeClientOptions, 'metrics' | 'clock' | 'names' | 'userAgent'>,
  ): KubeClient {
    const { clock = systemClock, names, metrics, userAgent } = options;
    const reach = new Reach({ clock, ...(names && { names }) });
    const transport = new Transport({ origin: new URL(access.server).origin, reach, clock });
    return new KubeClient({
      transport,
      clock,
      sender: new Sender({ access, transport, metrics, userAgent }),
    });
  }

  /** A client over a function that carries its requests in place of connections, with nothing to prove who it is. */
  static over(
    send: Send,
    { metrics, clock }: { metrics: KubeClientOptions['metrics']; clock: Clock },
  ): KubeClient {
    const credentials = { headers: {}, tls: { rejectUnauthorized: true } };
    const access = { server: 'https://kubernetes', credentials: async () => credentials, doubt: () => {} };
    const transport = {
      pool: (use: Use): Connections => ({ request: (request) => send(use, request) }),
      distrust: () => {},
      close: async () => {},
    };
    return new KubeClient({ transport, clock, sender: new Sender({ access, transport, metrics }) });
  }

  /**
   * The same client for a term that ends with `term`: then what only reads is abandoned, what changes something and has
   * left is finished, within its deadline, and nothing leaves any more: `NotSent`.
   */
  until(term: AbortSignal): KubeClient {
    return new KubeClient(this.#parts, term);
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
   * Server-side apply. `created` tells 201 from 200: whether the object was absent. The server is told how long it may
   * take.
   * @throws KubeError
   */
  async apply<T>(
    path: string,
    body: object,
    options: ApplyOptions,
  ): Promise<{ created: boolean; object: T }> {
    const { fieldManager, force, metadataOnly = false, subresource, ...rest } = options;
    const { timeoutMs = MUTATION_TIMEOUT_MS } = rest;
    const timeout = timeoutMs > TO_ANSWER_MS ? `${timeoutMs - TO_ANSWER_MS}ms` : undefined;
    const { status, object } = await this.#exchange<T>({
      method: 'PATCH',
      path: subresource === undefined ? path : `${path}/${subresource}`,
      query: { fieldManager, force, timeout },
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
    const { clock, sender } = this.#parts;
    const alarm = new Deadline(clock, [signal, this.#term], openingMs, 'Timeout');
    let pool: Connections | undefined;
    try {
      const answer = await sender.send(
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
    await this.#parts.transport.close();
  }

  async #exchange<T>(request: KubeRequest): Promise<{ status: number; object: T }> {
    const { clock, sender } = this.#parts;
    const reads = request.method === 'GET';
    const { timeoutMs = reads ? TIMEOUT_MS : MUTATION_TIMEOUT_MS } = request;
    const signals = [request.signal, reads ? this.#term : undefined];
    const deadline = new Deadline(clock, signals, timeoutMs, 'Timeout');
    let pool: Connections | undefined;
    try {
      const mayLeave = this.#guard(request.mayLeave);
      const answer = await sender.send({ ...request, mayLeave, use: 'requests' }, deadline);
      pool = answer.pool;
      const body = await readText(answer.response.body, request.largestBytes ?? LARGEST_ANSWER_BYTES);
      return { status: answer.response.statusCode, object: (body === '' ? undefined : parseJson(body)) as T };
    } catch (error) {
      throw this.#failure(error, deadline, pool);
    } finally {
      deadline.end();
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
    if (pool !== undefined) this.#parts.transport.distrust(pool);
    return new KubeError(0, { code: deadline.missed });
  }
}
