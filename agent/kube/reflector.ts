import { Backoff, pause } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import type { KubeClient } from './client.ts';
import { Deadline } from './deadline.ts';
import { KubeError } from './error.ts';
import { listAll } from './list.ts';
import { METADATA, OBJECT } from './media-type.ts';
import { isGone, type Source, type Stored } from './source.ts';
import type { Store } from './store.ts';
import type { WatchEvent } from './watch-event.ts';
import { WatchOutage } from './watch-outage.ts';

export interface ReflectorOptions<T extends Stored> {
  client: Pick<KubeClient, 'request' | 'stream'>;
  source: Source<T>;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  store: Store<T>;
  /** The whole state is known, or is one of a single namespace and forbidden: nobody is to wait for it. */
  onSynced: () => void;
  log: Log;
  metrics: Pick<Metrics, 'kubeWatchRestarts'>;
  clock: Clock;
  /** A watch without a word for so long is taken for dead. Bookmarks come each 60 s. */
  watchdogMs: number;
  pageSize: number;
  random: Random;
}

/** A watch that ended well sooner than this is not opened again at once: it may be a loop. */
const HOT_LOOP_MS = 1_000;
/** After a watch that lived so long, delays start from the beginning. */
const HEALTHY_MS = 10_000;
/** While the initial state streams in, the server is not silent for so long, unless it does not know the request. */
const INITIAL_SILENCE_MS = 20_000;
/** After so long of 404 the kind is gone, and with it its objects; sooner it may be a server that is starting. */
const UNKNOWN_MS = 60_000;

/** Thrown where a server does not stream the initial state. */
const NOT_STREAMED = Symbol('not streamed');

/**
 * Keeps a store equal to one collection of the API server: takes the whole state, watches from there, resumes where
 * a watch ended, starts over when history is gone, and never gives up. The name and the rules are client-go's
 * (tools/cache/reflector.go), which has no watchdog.
 */
export class Reflector<T extends Stored> {
  readonly #options: ReflectorOptions<T>;
  readonly #path: string;
  readonly #backoff: Backoff;
  readonly #outage: WatchOutage;
  /** Where to resume; undefined: the whole state is needed. */
  #resourceVersion: string | undefined;
  /** Keys that exist, while the initial state streams in. */
  #initial: Set<string> | undefined;
  /** A server that once did not stream the initial state is listed by pages from then on. */
  #streams = true;
  #openedAt = 0;

  constructor(options: ReflectorOptions<T>) {
    const { source, namespace, clock, log, random } = options;
    this.#options = options;
    this.#path = source.path(namespace);
    this.#backoff = new Backoff({ firstMs: 1_000, maxMs: 30_000, random });
    this.#outage = new WatchOutage(clock, log, {
      resource: source.name,
      ...(namespace === undefined ? {} : { namespace }),
    });
  }

  /** Follows the collection until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delayMs = await this.#attempt(signal);
      if (delayMs > 0) await pause(this.#options.clock, delayMs, signal);
    }
  }

  /** One watch, with what must come before it; returns how long to wait before the next. */
  async #attempt(signal: AbortSignal): Promise<number> {
    const { clock } = this.#options;
    this.#openedAt = clock.now();
    try {
      if (this.#resourceVersion === undefined && !this.#streams) await this.#list(signal);
      this.#openedAt = clock.now();
      await this.#watch(signal);
      // Cut off by something in between; pages are requests that end by themselves.
      if (this.#initial !== undefined) throw NOT_STREAMED;
      return this.#ended();
    } catch (error) {
      if (signal.aborted) return 0;
      if (error !== NOT_STREAMED) return this.#failed(KubeError.fromThrown(error));
      this.#streams = false;
      return 0;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, source, store, pageSize } = this.#options;
    const { keys, resourceVersion } = await listAll(client, {
      path: this.#path,
      metadataOnly: source.metadataOnly,
      labelSelector: source.labelSelector,
      pageSize,
      signal,
      onItem: (object) => store.set(object),
    });
    this.#complete(keys, resourceVersion);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, clock, source, random, watchdogMs } = this.#options;
    const initial = this.#resourceVersion === undefined;
    this.#initial = initial ? new Set() : undefined;
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      // So that watches spread anew over API servers, and one that went wrong unseen does so for minutes only.
      timeoutSeconds: 300 + Math.floor(random() * 300),
      labelSelector: source.labelSelector,
      ...(initial
        ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
        : { resourceVersion: this.#resourceVersion }),
    };
    const patience = new Deadline(clock, signal, INITIAL_SILENCE_MS, 'NotStreamed');
    if (!initial) patience.lift();
    try {
      const accept = source.metadataOnly ? METADATA : OBJECT;
      for await (const event of client.stream(this.#path, query, {
        accept,
        signal: patience.signal,
        silenceMs: watchdogMs,
      })) {
        this.#take(event);
        if (this.#initial === undefined) patience.lift();
        else patience.extend();
      }
    } catch (error) {
      // Servers before 1.27 refuse the parameters or ignore them.
      const refused = error instanceof KubeError && (error.status === 400 || error.status === 422);
      if (this.#initial !== undefined && (refused || patience.missed !== undefined)) throw NOT_STREAMED;
      throw error;
    } finally {
      patience.end();
    }
  }

  #take({ type, object }: WatchEvent): void {
    const { store } = this.#options;
    const { resourceVersion, annotations } = object.metadata ?? {};
    if (typeof resourceVersion !== 'string') throw new KubeError(0, { code: 'Malformed' });
    if (type === 'DELETED') {
      store.delete(object);
    } else if (type !== 'BOOKMARK') {
      const key = store.set(object);
      this.#initial?.add(key);
    } else if (this.#initial !== undefined) {
      // The first bookmark ends the initial state; any other means that the server does not know what that is.
      if (annotations?.['k8s.io/initial-events-end'] !== 'true') throw NOT_STREAMED;
      this.#complete(this.#initial, resourceVersion);
    }
    if (this.#initial !== undefined) return;
    this.#resourceVersion = resourceVersion;
    this.#outage.ended(this.#openedAt);
  }

  /** The whole state is known. */
  #complete(keys: ReadonlySet<string>, resourceVersion: string): void {
    this.#initial = undefined;
    this.#resourceVersion = resourceVersion;
    this.#options.store.retain(keys);
    this.#outage.ended(this.#openedAt);
    this.#options.onSynced();
  }

  /** The server ended the watch, as it does after `timeoutSeconds` and when the CRD changes. */
  #ended(): number {
    this.#count('ended');
    this.#outage.ended(this.#openedAt);
    return this.#lived() < HOT_LOOP_MS ? this.#backoff.next() : 0;
  }

  #failed(error: KubeError): number {
    const gone = isGone(error);
    this.#count(gone ? 'gone' : error.code === 'Silent' ? 'silent' : 'failed');
    this.#lived();
    // All were told the same Retry-After: come later than that, each at another time.
    const wishMs = (error.retryAfterMs ?? 0) * (1 + 0.2 * this.#options.random());
    const delayMs = Math.max(this.#backoff.next(), wishMs);
    this.#outage.failed(error, delayMs);
    const unknown = this.#outage.unknownMs >= UNKNOWN_MS;
    if (gone || unknown) this.#resourceVersion = undefined;
    if (unknown) this.#options.store.retain(new Set());
    // Whoever deletes a role in one namespace, or the namespace, must not stop the work in the others.
    if (error.status === 403 && this.#options.namespace !== undefined) this.#options.onSynced();
    return delayMs;
  }

  /** How long the last watch lived, milliseconds. */
  #lived(): number {
    const ms = this.#options.clock.now() - this.#openedAt;
    if (ms >= HEALTHY_MS) this.#backoff.reset();
    return ms;
  }

  #count(reason: 'ended' | 'gone' | 'silent' | 'failed'): void {
    this.#options.metrics.kubeWatchRestarts.inc({ resource: this.#options.source.name, reason });
  }
}
