import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import type { KubeClient } from './client.ts';
import { Reflector } from './reflector.ts';
import type { OnChange, Source, Stored } from './source.ts';
import { Store } from './store.ts';

export interface InformerOptions<T extends Stored> {
  client: Pick<KubeClient, 'request' | 'stream'>;
  source: Source<T>;
  /** Called in the order in which things changed, also for what was there at the start. */
  onChange: OnChange<T>;
  /** The API server's versions went back, as after a restore: what was known of anything may be of another past. */
  onRewound?: () => void;
  log: Log;
  metrics: Pick<Metrics, 'kubeWatchRestarts'>;
  clock: Clock;
  /** A watch without a word for so long is opened again; default 100 s. Bookmarks come about each 60 s, so not under 90 s. */
  watchdogMs?: number;
  /** Objects in a page, where the server does not stream the initial state. */
  pageSize?: number;
  random: Random;
}

/** A live copy of a collection: one list and watch per namespace, or a single one, and what they brought. */
export class Informer<T extends Stored> {
  readonly #reflectors: Reflector<T>[] = [];
  /** By namespace; a single one under '' for all. */
  readonly #stores = new Map<string, Store<T>>();
  readonly #waitsFor: Set<string>;
  readonly #whenSynced = Promise.withResolvers<void>();

  constructor(options: InformerOptions<T>) {
    const {
      source,
      onChange,
      log,
      watchdogMs = 100_000,
      pageSize = 500,
      onRewound = () => {},
      ...shared
    } = options;
    const scopes: (string | undefined)[] =
      source.namespaces.length === 0 ? [undefined] : [...source.namespaces];
    this.#waitsFor = new Set(scopes.map((namespace) => namespace ?? ''));
    for (const namespace of scopes) {
      const store = new Store({ source, onChange, log });
      const onSynced = (): void => this.#synced(namespace ?? '');
      this.#stores.set(namespace ?? '', store);
      this.#reflectors.push(
        new Reflector({
          ...shared,
          source,
          namespace,
          store,
          onSynced,
          onRewound,
          log,
          watchdogMs,
          pageSize,
        }),
      );
    }
  }

  /** Follows the API server until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }

  /** Whether the whole state was seen once, in each namespace that may be read. */
  synced(): boolean {
    return this.#waitsFor.size === 0;
  }

  /** Resolves when `synced`, or when `signal` is aborted: the caller looks at its signal. */
  async whenSynced(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await Promise.race([this.#whenSynced.promise, aborted.promise]);
    signal.removeEventListener('abort', onAbort);
  }

  /**
   * When the API server last said a word on every watch, by the clock's `now`; undefined: on one of them nothing since
   * it last failed.
   */
  get confirmedAt(): number | undefined {
    const all = this.#reflectors.map(({ confirmedAt }) => confirmedAt);
    return all.some((at) => at === undefined) ? undefined : Math.min(...(all as number[]));
  }

  get(key: string): T | undefined {
    return (this.#stores.get('') ?? this.#stores.get(key.slice(0, key.indexOf('/'))))?.get(key);
  }

  *values(): IterableIterator<T> {
    for (const store of this.#stores.values()) yield* store.values();
  }

  get size(): number {
    let size = 0;
    for (const store of this.#stores.values()) size += store.size;
    return size;
  }

  #synced(scope: string): void {
    this.#waitsFor.delete(scope);
    if (this.#waitsFor.size === 0) this.#whenSynced.resolve();
  }
}
