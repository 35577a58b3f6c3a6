import { randomUUID } from 'node:crypto';
import { expired } from './api-error.ts';
import type { Kind } from './kinds.ts';

/** One change of one object. */
export interface Change {
  resourceVersion: number;
  /** As it is now; undefined: deleted. */
  now: any;
  /** As it was; undefined: created. */
  before: any;
}

/** What a stored object is stamped with; the machine's, unless somebody wants to know what comes out. */
export interface StoreOptions {
  /** Unix milliseconds. */
  wall?: () => number;
  uid?: () => string;
}

interface Collection {
  objects: Map<string, any>;
  changes: Change[];
  /** Changes up to and with this version are no longer known. */
  floor: number;
  listeners: Set<{ change: (change: Change) => void; end: () => void }>;
}

const HISTORY = 50_000;

export const keyOf = (object: any): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/**
 * All objects, with the changes that led to them. Stored objects are never changed, only replaced, so
 * readers may keep them.
 */
export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #wall: () => number;
  /** A uid that no object had. */
  readonly uid: () => string;
  #version = 1;

  constructor({ wall = Date.now, uid = randomUUID }: StoreOptions = {}) {
    this.#wall = wall;
    this.uid = uid;
  }

  get version(): number {
    return this.#version;
  }

  /** Now, RFC 3339, by whole seconds as the API server dates everything that the agent reads. */
  date(): string {
    return `${new Date(this.#wall()).toISOString().slice(0, 19)}Z`;
  }

  get(kind: Kind, namespace: string, name: string): any {
    return this.#of(kind).objects.get(`${namespace}/${name}`);
  }

  /** Sorted by namespace and name, as etcd does. */
  list(kind: Kind, namespace: string): any[] {
    const { objects } = this.#of(kind);
    const keys = [...objects.keys()]
      .filter((key) => namespace === '' || key.startsWith(`${namespace}/`))
      .sort();
    return keys.map((key) => objects.get(key));
  }

  /** Stores under a new resourceVersion; returns what is stored. */
  put(kind: Kind, object: any): any {
    const collection = this.#of(kind);
    const now = versioned(object, ++this.#version);
    const before = collection.objects.get(keyOf(now));
    collection.objects.set(keyOf(now), now);
    this.#tell(collection, { resourceVersion: this.#version, now, before });
    return now;
  }

  remove(kind: Kind, object: any): void {
    const collection = this.#of(kind);
    collection.objects.delete(keyOf(object));
    this.#tell(collection, { resourceVersion: ++this.#version, now: undefined, before: object });
  }

  /** Tells each change after `resourceVersion`, past ones at once. Throws 410 if those are not known any more. */
  follow(kind: Kind, resourceVersion: number, change: (change: Change) => void, end: () => void): () => void {
    const { changes, floor, listeners } = this.#of(kind);
    if (resourceVersion < floor) throw expired(String(resourceVersion), floor);
    for (const past of changes) if (past.resourceVersion > resourceVersion) change(past);
    const listener = { change, end };
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Ends what follows this kind, as a change of its definition does, and forgets its past. */
  restart(kind: Kind): void {
    const collection = this.#of(kind);
    for (const { end } of collection.listeners) end();
    collection.listeners.clear();
    this.#forget(collection);
  }

  /** No resourceVersion given out so far can be followed from any more. */
  expireHistory(): void {
    this.#version++;
    for (const collection of this.#collections.values()) this.#forget(collection);
  }

  #forget(collection: Collection): void {
    collection.changes = [];
    collection.floor = this.#version;
  }

  #tell(collection: Collection, change: Change): void {
    collection.changes.push(change);
    if (collection.changes.length > HISTORY) collection.floor = collection.changes.shift()!.resourceVersion;
    for (const listener of collection.listeners) listener.change(change);
  }

  #of(kind: Kind): Collection {
    let collection = this.#collections.get(kind.key);
    if (collection === undefined) {
      // A kind that came with a definition has no past before it.
      collection = {
        objects: new Map(),
        changes: [],
        floor: kind.schema === undefined ? 0 : this.#version,
        listeners: new Set(),
      };
      this.#collections.set(kind.key, collection);
    }
    return collection;
  }
}

export const versioned = (object: any, resourceVersion: number): any => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(resourceVersion) },
});
