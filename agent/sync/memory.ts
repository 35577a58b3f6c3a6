import type { Failure } from '../api/reasons.ts';
import type { Spec, VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Applied } from './applied.ts';
import type { Resource, SecretMeta } from './resource.ts';
import type { SafeSource } from './source.ts';

/** What the agent remembers of one resource between two looks; lost at a restart, never needed to be right. */
export interface Memory {
  readonly key: string;
  readonly uid: string;
  /** Generation that `spec` was parsed from. */
  generation: number;
  spec: Spec | undefined;
  source: SafeSource | undefined;
  /** When this generation was first seen, Unix milliseconds. */
  seenAt: number;
  /** An answer must have been begun at or after this instant to be used. */
  needAfter: number;
  /** Refresh annotation: its value when last looked at, and since when its refresh is awaited. */
  refresh: string;
  forcedAt: number | undefined;
  /** Value of the annotation whose refresh has ended. */
  handledRefresh: string | undefined;
  /** The Secret as this process wrote it or found it right. */
  applied: Applied | undefined;
  /** The target as it was looked up, until the watch or a write shows more. */
  looked: { meta: SecretMeta | undefined; at: number } | undefined;
  /** The Secret may have changed in a way that the watch does not show: look it up before anything else. */
  lookFirst: boolean;
  /** The version of the Secret by another agent that a fresh answer was already asked for. */
  inspected: string | undefined;
  /** Repairs in a row, and when the last one was made, Unix milliseconds. */
  repairs: number;
  repairedAt: number;
  /** Secrets used without a grant that were warned of. */
  notGranted: readonly string[];
  failure: Failure | undefined;
  /** The API server asked to be left alone until then, Unix milliseconds. */
  waitUntil: number;
  /** Its namespace is being deleted. */
  terminating: boolean;
  /** The status that was last computed, ahead of what the watch shows. */
  status: VSecMSecretStatus;
}

export function createMemory(resource: Resource): Memory {
  return {
    key: resource.key,
    uid: resource.uid,
    generation: -1,
    spec: undefined,
    source: undefined,
    seenAt: -Infinity,
    needAfter: -Infinity,
    refresh: resource.status.handledRefresh ?? '',
    forcedAt: undefined,
    handledRefresh: undefined,
    applied: undefined,
    looked: undefined,
    lookFirst: false,
    inspected: undefined,
    repairs: 0,
    repairedAt: -Infinity,
    notGranted: [],
    failure: undefined,
    waitUntil: -Infinity,
    terminating: false,
    status: resource.status,
  };
}
