import type { Desired } from '../resolve/desired.ts';
import { fingerprint } from './changes.ts';
import { isOlderVersion, type SecretMeta } from './resource.ts';

/** A version of a Secret to write over. */
export type Known = Pick<SecretMeta, 'uid' | 'resourceVersion' | 'createdByAgent'>;

/** What this process knows of a Secret that it wrote or found right. */
export interface Applied extends Known {
  readonly name: string;
  /** Time of our entry in the Secret's managedFields. */
  readonly appliedAt: string | undefined;
  /** Keyed digest of the content that was written; never leaves memory. */
  readonly print: string;
}

export const appliedFrom = (meta: SecretMeta, print: string): Applied => ({
  name: meta.name,
  uid: meta.uid,
  resourceVersion: meta.resourceVersion,
  createdByAgent: meta.createdByAgent,
  appliedAt: meta.appliedAt,
  print,
});

/** A digest of what a Secret should hold, and how, to tell a no-op. */
export function printOf(desired: Desired, policy: object): string {
  function* parts(): Iterable<string | Uint8Array> {
    yield JSON.stringify(policy);
    for (const [kind, entries] of Object.entries({
      d: desired.data,
      l: desired.labels,
      a: desired.annotations,
    })) {
      const sorted = [...(entries as ReadonlyMap<string, string | Uint8Array>)].sort(([a], [b]) =>
        a < b ? -1 : 1,
      );
      for (const [key, value] of sorted) yield* [kind, key, value];
    }
  }
  return fingerprint(parts());
}

/** How a Secret stands against what this process last wrote. */
export type Drift =
  /** As we wrote it, or what is seen is older than our write. */
  | 'none'
  /** Another field manager changed it, or it is gone: an answer in memory may repair it. */
  | 'foreign'
  /** Another agent wrote it: only an answer fetched after that was seen may. */
  | 'agent';

/**
 * @param seen `undefined`: not there
 * @param lost it was there after our write and is gone, rather than not seen yet
 */
export function driftOf(applied: Applied, seen: SecretMeta | undefined, lost: boolean): Drift {
  if (!seen) return lost ? 'foreign' : 'none';
  if (seen.uid !== applied.uid) return seen.appliedAt === undefined ? 'foreign' : 'agent';
  if (
    seen.resourceVersion === applied.resourceVersion ||
    isOlderVersion(seen.resourceVersion, applied.resourceVersion)
  )
    return 'none';
  return seen.appliedAt !== undefined && seen.appliedAt !== applied.appliedAt ? 'agent' : 'foreign';
}
