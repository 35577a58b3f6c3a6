import { Failure } from '../api/reasons.ts';
import type { ResourceState } from '../api/state.ts';
import { isReady } from '../api/vsecmsecret.ts';
import { dateOf, type Clock } from '../clock.ts';
import type { RefreshGroups } from '../fetch/groups.ts';
import { troubleOf, type Subject } from './subject.ts';

export interface ResourceStateOptions {
  groups: Pick<RefreshGroups, 'dueAt'>;
  retries: { dueAt(key: string): number | undefined };
  clock: Clock;
}

/**
 * What a person may know of one resource that this agent serves.
 * @param whole with the refs that lead nowhere
 */
export function resourceState(
  subject: Subject,
  options: ResourceStateOptions,
  whole: boolean,
): ResourceState {
  const { key, facts, plan } = subject;
  const { status } = facts.told;
  const target = plan.spec instanceof Failure ? undefined : plan.spec.target.name;
  const trouble = troubleOf(subject);
  const [namespace = '', name = ''] = key.split('/');
  const secret = facts.wrote?.name ?? target ?? status.secret?.name;
  const nextLook = nextLookAt(subject, options);
  return {
    namespace,
    name,
    ...(secret !== undefined && { secret }),
    state: stateOf(subject),
    ...(trouble && {
      code: trouble.code,
      message: trouble.message,
      hint: trouble.hint,
      ...(status.failure?.code === trouble.code && { since: status.failure.since }),
    }),
    ...(nextLook !== undefined && { nextLook: dateOf(options.clock, nextLook).toISOString() }),
    ...(status.lastSyncTime !== undefined && { lastWrite: status.lastSyncTime }),
    refs: whole ? [...(facts.told.failure?.refs ?? [])] : [],
  };
}

/** In one word how a resource stands. */
export function stateOf(subject: Subject): ResourceState['state'] {
  const { wrote, told, generation } = subject.facts;
  if (troubleOf(subject)) return 'failing';
  if (told.status.conditions?.some(({ reason }) => reason === 'Suspended')) return 'suspended';
  // Without an interval a restart rests on what the status says, and knows of no write.
  const rests = isReady(told.status) && told.status.observedGeneration === generation;
  return wrote || rests ? 'synced' : 'waiting';
}

/** When it is reconciled again by itself, by the clock's `now`. */
function nextLookAt(subject: Subject, { groups, retries }: ResourceStateOptions): number | undefined {
  const { key, facts, plan } = subject;
  const moments = [
    retries.dueAt(key),
    groups.dueAt(key),
    facts.told.failure && plan.fetcher?.pollsAt(key),
    troubleOf(subject) && plan.fetcher?.failure?.nextRetryAt,
  ].filter((at) => at !== undefined);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}
