import type { Failure } from '../api/reasons.ts';
import type { Spec, VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Resource } from './resource.ts';
import type { Applied } from './secret.ts';
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
  handledRefresh: string | undefined;
  applied: Applied | undefined;
  /** The Secret was seen to go, or to change in a way that the store cannot tell: look before writing. */
  lookFirst: boolean;
  /** The foreign version of the Secret that a fresh answer was already asked for. */
  inspected: string | undefined;
  /** Secrets used without a grant that were warned of. */
  notGranted: readonly string[];
  repairs: number;
  repairedAt: number;
  failure: Failure | undefined;
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
    refresh: '',
    forcedAt: undefined,
    handledRefresh: undefined,
    applied: undefined,
    lookFirst: false,
    inspected: undefined,
    notGranted: [],
    repairs: 0,
    repairedAt: -Infinity,
    failure: undefined,
    status: resource.status,
  };
}
