import { Backoff, pause } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './error.ts';
import { currentVersion, listAll } from './list.ts';
import { METADATA, OBJECT } from './media-type.ts';
import { Ending, outcomeOf, type Outcome } from './outcome.ts';
import { isOlder } from './resource-version.ts';
import type { Source, Stored } from './source.ts';
import type { Store } from './store.ts';
import { Streaming } from './streaming.ts';
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
  /** The API server's versions went back; the state as it is now was taken, and everything in it told anew. */
  onRewound: () => void;
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
/** After a watch that was accepted and lived so long, delays start from the beginning. */
const HEALTHY_MS = 10_000;
/** A healthy server accepts a watch at once; a busy one lets it wait for its turn, 15 s at most, and then says 429. */
const OPENING_MS = 20_000;
/** While the whole state streams in, the server is not silent for so long, unless it does not know the request. */
const INITIAL_SILENCE_MS = 20_000;
/** After so long of 404 the kind is gone, and with it its objects; sooner it may be a server that is starting. */
const UNKNOWN_MS = 60_000;
/** In so long without an answer etcd may have been restored, and its versions be as new again as they were. */
const LONG_OUTAGE_MS = 10_000;

/**
 * Keeps a store equal to one collection of the API server, and never gives up: takes the whole state, watches from
 * there, and resumes where a watch ended. The name and many of the rules are client-go's (tools/cache/reflector.go).
 *
 * An attempt has one `Outcome`, and `#follows` alone decides what follows from it.
 */
export class Reflector<T extends Stored> {
  readonly #options: ReflectorOptions<T>;
  readonly #path: string;
  readonly #backoff: Backoff;
  readonly #outage: WatchOutage;
  readonly #streaming: Streaming;
  readonly #fields: LogFields;
  /** Where to resume; undefined: the whole state is needed. */
  #position: string | undefined;
  /** The newest version that was seen. */
  #newest = '';
  /** Keys that exist, while the whole state streams in. */
  #initial: Set<string> | undefined;
  /** The server accepted the watch of this attempt. */
  #acceptedAt: number | undefined;
  #confirmedAt: number | undefined;

  constructor(options: ReflectorOptions<T>) {
    const { source, namespace, clock, log, random } = options;
    this.#options = options;
    this.#path = source.path(namespace);
    this.#fields = { resource: source.name, ...(namespace !== undefined && { namespace }) };
    this.#backoff = new Backoff({ firstMs: 1_000, maxMs: 30_000, random });
    this.#outage = new WatchOutage(clock, log, this.#fields);
    this.#streaming = new Streaming(clock, log, this.#fields);
  }

  /** When the API server last said a word, by the clock's `now`; undefined: never, or the last attempt failed. */
  get confirmedAt(): number | undefined {
    return this.#confirmedAt;
  }

  /** Follows the collection until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const outcome = await this.#attempt(signal);
      if (signal.aborted) return;
      const delayMs = this.#follows(outcome);
      if (delayMs > 0) await pause(this.#options.clock, delayMs, signal);
    }
  }

  /** One watch, with what must come before it. */
  async #attempt(signal: AbortSignal): Promise<Outcome> {
    this.#acceptedAt = undefined;
    this.#initial = undefined;
    try {
      if (this.#position !== undefined) await this.#compare(signal);
      else if (this.#streaming.off) await this.#list(signal);
      await this.#watch(signal);
      return this.#initial === undefined ? { is: 'ended' } : { is: 'unstreamed', cause: 'Ended' };
    } catch (thrown) {
      return outcomeOf(thrown, this.#initial !== undefined);
    }
  }

  /** The one place that decides what follows: from where, how, when, and what is told. Returns milliseconds to wait. */
  #follows(outcome: Outcome): number {
    const { clock, store, random, namespace, onSynced } = this.#options;
    const livedMs = this.#acceptedAt === undefined ? 0 : clock.now() - this.#acceptedAt;
    if (livedMs >= HEALTHY_MS && outcome.is !== 'silent') this.#backoff.reset();
    if (outcome.is !== 'ended' && outcome.is !== 'unstreamed') this.#confirmedAt = undefined;
    this.#count(outcome);

    switch (outcome.is) {
      case 'ended':
        return livedMs < HOT_LOOP_MS ? this.#backoff.next() : 0;
      case 'unstreamed':
        this.#streaming.failed(outcome.cause);
        return 0;
      case 'rewound':
        this.#position = undefined;
        return this.#backoff.next();
    }

    const { error } = outcome;
    // All were told the same Retry-After: come later than that, each at another time.
    const delayMs = Math.max(this.#backoff.next(), (error.retryAfterMs ?? 0) * (1 + 0.2 * random()));
    this.#outage.failed(error, delayMs);
    const unknown = this.#outage.unknownMs >= UNKNOWN_MS;
    const unanswered = error.status === 0 || error.status >= 500;
    if (
      outcome.is !== 'failed' ||
      unknown ||
      (unanswered && this.#outage.lastsMs + delayMs >= LONG_OUTAGE_MS)
    )
      this.#position = undefined;
    if (unknown) store.retain(new Set());
    // Whoever deletes a role in one namespace, or the namespace, must not stop the work in the others.
    if (error.status === 403 && namespace !== undefined) onSynced();
    return delayMs;
  }

  /** Whether the versions to resume from are still ahead of nobody: one object, of the quorum. */
  async #compare(signal: AbortSignal): Promise<void> {
    const { client, source } = this.#options;
    const version = await currentVersion(client, { ...source, path: this.#path, signal });
    if (isOlder(version, this.#newest)) throw new Ending({ is: 'rewound' });
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, source, store, pageSize } = this.#options;
    const { keys, resourceVersion } = await listAll(client, {
      ...source,
      path: this.#path,
      pageSize,
      signal,
      onItem: (object) => store.set(object),
    });
    this.#complete(keys, resourceVersion);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, source, random, watchdogMs, clock } = this.#options;
    const initial = this.#position === undefined;
    if (initial) this.#initial = new Set();
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      // So that watches spread anew over API servers, and one that went wrong unseen does so for minutes only.
      timeoutSeconds: 300 + Math.floor(random() * 300),
      labelSelector: source.labelSelector,
      ...(initial
        ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
        : { resourceVersion: this.#position }),
    };
    const events = client.stream(this.#path, query, {
      accept: source.metadataOnly ? METADATA : OBJECT,
      signal,
      openingMs: OPENING_MS,
      silenceMs: () => (this.#initial === undefined ? watchdogMs : INITIAL_SILENCE_MS),
      onOpen: () => {
        this.#acceptedAt = clock.now();
        // What happened since will be told in a moment.
        if (!initial) this.#confirmedAt = this.#acceptedAt;
      },
    });
    for await (const event of events) this.#take(event);
  }

  #take({ type, object }: WatchEvent): void {
    const { store, clock } = this.#options;
    const { resourceVersion, annotations } = object.metadata ?? {};
    if (typeof resourceVersion !== 'string') throw new KubeError(0, { code: 'Malformed' });
    if (this.#initial === undefined && isOlder(resourceVersion, this.#newest))
      throw new Ending({ is: 'rewound' });
    this.#confirmedAt = clock.now();
    if (type === 'DELETED') {
      store.delete(object);
    } else if (type !== 'BOOKMARK') {
      const key = store.set(object);
      this.#initial?.add(key);
    } else if (this.#initial !== undefined) {
      // The first bookmark ends the whole state; any other means that the server does not know what that is.
      if (annotations?.['k8s.io/initial-events-end'] !== 'true')
        throw new Ending({ is: 'unstreamed', cause: 'Ignored' });
      this.#streaming.worked();
      const keys = this.#initial;
      this.#initial = undefined;
      return this.#complete(keys, resourceVersion);
    }
    if (this.#initial !== undefined) return;
    this.#position = this.#newest = resourceVersion;
    this.#outage.ended(this.#acceptedAt, true);
  }

  /** The whole state is known. */
  #complete(keys: ReadonlySet<string>, resourceVersion: string): void {
    const { store, clock, log, onSynced, onRewound } = this.#options;
    const rewound = isOlder(resourceVersion, this.#newest);
    this.#position = this.#newest = resourceVersion;
    this.#confirmedAt = clock.now();
    store.retain(keys);
    this.#outage.ended(this.#acceptedAt, false);
    onSynced();
    if (!rewound) return;
    log.warn('the API server went back to an earlier state, as after a restore: all is looked at anew', {
      ...this.#fields,
      count: keys.size,
    });
    onRewound();
  }

  #count({ is }: Outcome): void {
    if (is === 'unstreamed') return;
    const reason = is === 'unreadable' ? 'failed' : is;
    this.#options.metrics.kubeWatchRestarts.inc({ resource: this.#options.source.name, reason });
  }
}
