import type { Failure } from '../api/reasons.ts';
import type { RestartStatus, Workload } from '../api/restart.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { At } from './known.ts';

/** The one thing to do next. */
export type Act =
  | { readonly do: 'nothing' }
  /** Forget the resource: it is gone, or another agent's. */
  | { readonly do: 'letGo' }
  /** Find out what the answer in memory means for the spec. CPU only; may give way. */
  | { readonly do: 'resolve' }
  /** Wait for an answer of Safe begun at or after this instant. */
  | { readonly do: 'ask'; readonly begunAfter: At; readonly forced: boolean }
  /** Get the target's metadata from the API server, by a quorum. */
  | { readonly do: 'lookUp' }
  /** Take a Secret for ours as it stands, since the status proves it. */
  | { readonly do: 'recognise'; readonly meta: SecretMeta }
  /** Find out whether the content of exactly this version is another than the one at hand. */
  | { readonly do: 'compare'; readonly meta: SecretMeta }
  /** Make the target; fails where anything is. `revision`: of its content, where that restarts something. */
  | { readonly do: 'create'; readonly revision: number | undefined }
  /** Write over exactly this version, on which right and consent were judged. */
  | {
      readonly do: 'write';
      readonly over: SecretMeta;
      readonly force: boolean;
      readonly revision: number | undefined;
    }
  /** Delete exactly this version of a Secret that the resource owns and no longer names. */
  | { readonly do: 'deleteFormer'; readonly meta: SecretMeta }
  /** Have workloads restarted, since the content of the Secret has changed. */
  | {
      readonly do: 'restart';
      readonly workloads: readonly Workload[];
      readonly secret: string;
      readonly revision: number;
    };

/** Why this was decided, in one word. */
export type Because =
  | 'asDeclared'
  | 'differs'
  | 'absent'
  | 'needsNewer'
  | 'unsure'
  | 'paced'
  | 'held'
  | 'suspended'
  | 'failed'
  | 'gone';

/** What there is to say of the resource. */
export interface Tell {
  /** The Secret, while it is as declared. */
  readonly secret?: { readonly name: string; readonly resourceVersion: string; readonly revision?: number };
  readonly restarts?: readonly RestartStatus[];
  readonly sourceUpdated?: string;
  /** When the first of the secrets used expires, of the wall clock. */
  readonly expiresAt?: number | undefined;
  readonly failure?: Failure;
  /** Since when it fails so; absent: since now. */
  readonly failingSince?: At;
  /** Whether what the status says of a right Secret is still true while Safe fails. */
  readonly stands?: boolean;
  /** Whether Safe's last confirmation is recent enough; absent: the resource does not ask. */
  readonly fresh?: boolean;
  readonly suspended?: boolean;
  /** The value of the refresh annotation whose attempt has ended. */
  readonly handledRefresh?: string;
}

export interface Decision {
  readonly act: Act;
  readonly because: Because;
  /** When to decide again if nothing happens before. */
  readonly again?: At | undefined;
  /** Absent: nothing new. */
  readonly tell?: Tell;
  /** Something is missing in Safe: ask it again and again, ever more seldom. */
  readonly missing?: boolean;
}
