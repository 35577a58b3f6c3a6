/** What a store keeps of an object, at least. */
export interface Stored {
  /** `namespace/name` */
  key: string;
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
}

/** Which objects an informer follows, and what it keeps of them. */
export interface Source<T extends Stored> {
  /** Plural name for log and metrics, such as `vsecmsecrets`. */
  name: string;
  /** Path of the collection in one namespace, or in all of them. */
  path(namespace?: string): string;
  /** Only these namespaces, each by a list and watch of its own; empty: all, by one. */
  namespaces: readonly string[];
  /** Ask for PartialObjectMetadata. */
  metadataOnly: boolean;
  labelSelector?: string;
  /** What to keep of an object as the server sent it; `undefined`: nothing, as if it did not exist. */
  parse(object: unknown): T | undefined;
}

/** Tells of what is new (`before` undefined), changed, or gone (`now` undefined). Must not throw, but may. */
export type OnChange<T> = (now: T | undefined, before: T | undefined, key: string) => void;
