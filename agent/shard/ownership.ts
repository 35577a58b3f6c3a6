import type { Slice } from './slices.ts';
import type { Role } from './role.ts';

/** Namespaces, of those the caller knows, that came to this agent or left it. */
export interface Change {
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** What a person may ask of an agent's ownership. */
export interface Summary {
  /** As `role()`. */
  readonly role: Role | undefined;
  /** Names of nodes; owners in the order of their election. */
  readonly members: readonly string[];
  readonly owners: readonly string[];
  /** Whether this agent's pod stands in the slices; without that it owns nothing. */
  readonly present: boolean;
  /** The process stood still, or the members have been unknown for too long: it owns nothing until it knows them again. */
  readonly suspended: boolean;
  /** How many of the namespaces that the caller knows are this agent's. */
  readonly namespaces: number;
}

/** Which namespaces this agent serves. */
export interface Ownership {
  /**
   * Whether this agent serves a resource in `namespace` whose status names `lastNode`. Cheap: ask when a key
   * is enqueued, when it is dequeued, and right before a write.
   */
  owns(namespace: string, lastNode?: string): boolean;
  /** The node that owns the namespace as this agent sees it; undefined before the first look. */
  ownerOf(namespace: string): string | undefined;
  /**
   * Undefined before the first look at the members, and while suspended: what was watched for a role is then
   * as old as the members, so it ends and begins anew too.
   */
  role(): Role | undefined;
  summary(): Summary;
  /**
   * Calls `fn` after anything changed that `owns` or `role` depend on, also when no whole namespace moved:
   * ask `owns` again for each resource. The returned function unsubscribes.
   */
  onChange(fn: (change: Change) => void): () => void;
  /** Takes all slices of the Service, as a watch that has synced sees them now. */
  observe(slices: Iterable<Slice>): void;
  run(signal: AbortSignal): Promise<void>;
}
