import { rank } from './rendezvous.ts';
import type { Hash } from './hash.ts';

/**
 * `owner`: owns namespaces, so watches resources, Secrets and members. `standby`: among the next to be
 * elected, so watches the members. `other`: reads the members from time to time.
 */
export type Role = 'owner' | 'standby' | 'other';

/** How many members after the owners watch the slices: each watcher costs the API server, an unwatched change costs minutes. */
export const STANDBYS = 16;

export interface RoleOptions {
  /** 0: all members own namespaces. */
  maxOwners: number;
  hash?: Hash;
}

/**
 * What `node` is among `members`. One that is not (yet) a member has the role it would have as one: an agent
 * that starts prepares for it, and is ready once it has.
 */
export function roleOf(node: string, members: Iterable<string>, options: RoleOptions): Role {
  if (options.maxOwners === 0) return 'owner';
  const place = rank([...members, node], options.hash).indexOf(node);
  if (place < options.maxOwners) return 'owner';
  return place < options.maxOwners + STANDBYS ? 'standby' : 'other';
}
