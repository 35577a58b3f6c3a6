import { hintFor, type Failure } from '../api/reasons.ts';
import type { Outline, VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Facts } from '../decide/facts.ts';
import type { Fetcher } from '../fetch/fetcher.ts';

/** One resource that this agent serves, as reports see it. */
export interface Subject {
  readonly key: string;
  readonly facts: Facts;
  readonly plan: {
    readonly generation: number;
    readonly spec: Outline | Failure;
    readonly fetcher: Fetcher | undefined;
  };
}

type Trouble = Omit<NonNullable<VSecMSecretStatus['failure']>, 'since'>;

/** How a resource fails at present: as was last decided, or as its status tells. */
export function troubleOf({ facts: { told } }: Subject): Trouble | undefined {
  if (!told.failure) return told.status.failure;
  const { stage, code, message, context } = told.failure;
  return { stage, code, message, hint: hintFor(code, context) };
}
