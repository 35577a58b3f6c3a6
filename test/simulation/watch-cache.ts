import type { Kind } from '../devcluster/apiserver/kinds.ts';
import type { Change } from '../devcluster/apiserver/store.ts';
import type { Chance } from './chance.ts';
import { keyOf, type Cluster } from './cluster.ts';
import type { Timeline } from './timeline.ts';

/** Changes that a cache still knows; who wants to resume from before them is answered 410. */
const HISTORY = 3_000;

/**
 * What one API server remembers of one kind. It follows etcd with a lag of its own, so it may show what is no longer
 * so, and another server's may be older than what was seen already.
 */
export class WatchCache {
  readonly kind: Kind;
  readonly objects = new Map<string, any>();
  /** How far etcd's changes have come here. */
  version: number;
  /** The longest lag at present, milliseconds. */
  lagMs = 20;
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #followers = new Set<(change: Change) => void>();
  #waiting: { version: number; go: () => void }[] = [];
  #past: Change[] = [];
  /** Changes up to and with this version are forgotten. */
  #floor: number;
  #lastAt = 0;

  constructor(cluster: Cluster, kind: Kind, timeline: Timeline, chance: Chance) {
    this.kind = kind;
    this.#timeline = timeline;
    this.#chance = chance;
    this.version = this.#floor = cluster.store.version;
    for (const object of cluster.store.list(kind, '')) this.objects.set(keyOf(object), object);
    cluster.follow(kind, (change) => this.#hear(change));
  }

  /** Resolves once all up to `version` is known here. */
  upTo(version: number): Promise<void> {
    if (version <= this.version) return Promise.resolve();
    return new Promise((go) => this.#waiting.push({ version, go }));
  }

  /** Tells the changes after `version`, past ones at once; undefined: those are forgotten. */
  follow(version: number, tell: (change: Change) => void): (() => void) | undefined {
    if (version < this.#floor) return undefined;
    for (const change of this.#past) if (change.resourceVersion > version) tell(change);
    const from = Math.max(version, this.version);
    const later = (change: Change): void => {
      if (change.resourceVersion > from) tell(change);
    };
    this.#followers.add(later);
    return () => this.#followers.delete(later);
  }

  /** Forgets its past, as a server does that starts. */
  forget(): void {
    this.#past = [];
    this.#floor = this.version;
  }

  #hear(change: Change): void {
    // Most changes arrive at once, few late: a lag has a long tail.
    const lag = this.lagMs * this.#chance.next() ** 3 + 0.2;
    this.#lastAt = Math.max(this.#lastAt, this.#timeline.now + lag);
    this.#timeline.at(this.#lastAt, () => this.#take(change));
  }

  #take(change: Change): void {
    const key = keyOf(change.now ?? change.before);
    if (change.now) this.objects.set(key, change.now);
    else this.objects.delete(key);
    this.version = change.resourceVersion;
    this.#past.push(change);
    if (this.#past.length > 2 * HISTORY) {
      this.#floor = this.#past[HISTORY - 1]!.resourceVersion;
      this.#past = this.#past.slice(HISTORY);
    }
    for (const tell of this.#followers) tell(change);
    const ready = this.#waiting.filter(({ version }) => version <= this.version);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter(({ version }) => version > this.version);
    for (const { go } of ready) go();
  }
}
