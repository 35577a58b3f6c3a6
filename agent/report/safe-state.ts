import { hintFor } from '../api/reasons.ts';
import type { SafeState } from '../api/state.ts';
import { dateOf, type Clock } from '../clock.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import type { RefreshGroups } from '../fetch/groups.ts';

/** What a person may know of one Safe that resources of this agent use. */
export function safeState(
  fetcher: Fetcher,
  { groups, clock }: { groups: Pick<RefreshGroups, 'sizes'>; clock: Clock },
): SafeState {
  const { url, dial, failure, confirmedAt, last } = fetcher;
  const answer = fetcher.answer();
  const time = (at: number): string => dateOf(clock, at).toISOString();
  return {
    url,
    ...(confirmedAt !== undefined && { lastSuccess: time(confirmedAt) }),
    ...(answer && { answerAgeSeconds: Math.round((clock.now() - answer.begunAt) / 1000) }),
    ...(last && { secrets: last.secrets, named: last.named }),
    ...(failure && {
      failure: {
        code: failure.code,
        since: time(failure.since),
        attempts: failure.attempts,
        nextRetry: time(failure.nextRetryAt),
        ...(failure.cause !== undefined && { cause: failure.cause }),
        hint: hintFor(failure.code, { ...failure.context, safeURL: url }),
      },
    }),
    groups: groups
      .sizes()
      .filter((group) => group.dial === dial)
      .map(({ intervalMs, members, dueAt }) => ({
        intervalSeconds: intervalMs / 1000,
        members,
        ...(dueAt !== undefined && { nextDue: time(dueAt) }),
      })),
  };
}
