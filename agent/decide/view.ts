import type { Failure } from '../api/reasons.ts';
import type { Resource } from '../api/resource.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { Outline } from '../api/vsecmsecret.ts';
import type { Desired } from '../resolve/desired.ts';
import type { Facts } from './facts.ts';
import type { At, Known } from './known.ts';
import type { Restarted } from './restarts.ts';

/** All that a decision about one VSecMSecret rests on: references to what is known now, no copies. */
export interface View {
  readonly now: At;
  /** The machine's wall clock, Unix milliseconds: what dates of secrets and statuses are compared with. */
  readonly wall: number;
  readonly node: string;
  /** How long a failing Safe is kept from the status of a resource whose Secret is right, milliseconds. */
  readonly quietMs: number;
  readonly resource: Resource;
  /** Whether this agent serves it. */
  readonly owned: boolean;
  /** Of this generation; or why there is none. */
  readonly spec: Outline | Failure;
  /** The other VSecMSecret that holds the target. */
  readonly heldBy: string | undefined;
  readonly target: Known;
  /** A Secret that this resource owns and its spec does not name, and who names it now. */
  readonly former: { readonly meta: SecretMeta; readonly claimedBy: string | undefined } | undefined;
  readonly safe: SafeView;
  /** What the spec asks for, resolved of exactly the answer in `safe` and of this generation. */
  readonly content: Content | undefined;
  readonly facts: Facts;
  /** What became of the restarts that it asked for, by `workloadText`; absent: it never did. */
  readonly restarted?: ReadonlyMap<string, Restarted>;
}

/** A Safe as this resource sees it. */
export interface SafeView {
  /** When the request was begun whose answer is in memory; `undefined`: none is. */
  readonly answerBegunAt: At | undefined;
  /** When the request was begun that Safe last answered well, in memory or not. */
  readonly confirmedAt: At | undefined;
  /** Why Safe gives no answer at present, since when, and when the last attempt was begun. */
  readonly failing: { readonly why: Failure; readonly since: At; readonly attemptedAt: At } | undefined;
}

/** What one answer means for one spec. */
export type Content = { readonly generation: number; readonly answerBegunAt: At } & (
  | {
      readonly desired: Desired;
      readonly print: string;
      /** A digest of the content alone, where a change of it restarts something. */
      readonly contents?: string | undefined;
    }
  | { readonly failure: Failure }
);
