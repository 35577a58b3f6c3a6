import { hintFor } from '../api/reasons.ts';
import type { ResourceState } from '../api/state.ts';
import type { VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { RefreshGroups } from './groups.ts';
import type { Memory } from './memory.ts';
import type { Schedule } from './schedule.ts';
import { isReady } from './status.ts';

type Trouble = NonNullable<VSecMSecretStatus['failure']>;

export interface ResourceStateOptions {
  groups: Pick<RefreshGroups, 'dueAt'>;
  schedule: Pick<Schedule, 'dueAt'>;
  clock: Clock;
}

/**
 * What a person may know of one resource that this agent serves.
 * @param whole with the refs that lead nowhere
 */
export function resourceState(memory: Memory, options: ResourceStateOptions, whole: boolean): ResourceState {
  const { key, status, spec, applied } = memory;
  const trouble = troubleOf(memory);
  const [namespace = '', name = ''] = key.split('/');
  const secret = applied?.name ?? spec?.target.name ?? status.secret?.name;
  const nextLook = nextLookAt(memory, options);
  return {
    namespace,
    name,
    ...(secret !== undefined && { secret }),
    state: stateOf(memory),
    ...(trouble && {
      code: trouble.code,
      message: trouble.message,
      hint: trouble.hint,
      ...(status.failure?.code === trouble.code && { since: status.failure.since }),
    }),
    ...(nextLook !== undefined && { nextLook: new Date(nextLook).toISOString() }),
    ...(status.lastSyncTime !== undefined && { lastWrite: status.lastSyncTime }),
    refs: whole ? [...(memory.failure?.refs ?? [])] : [],
  };
}

/**
 * How a resource fails at present: as the last look at it found, or as its status tells of a Safe that fails while
 * the Secret is right.
 */
export function troubleOf({ failure, status }: Memory): Omit<Trouble, 'since'> | undefined {
  if (!failure) return status.failure;
  const { stage, code, message, context } = failure;
  return { stage, code, message, hint: hintFor(code, context) };
}

/** In one word how a resource stands. */
export function stateOf(memory: Memory): ResourceState['state'] {
  const { applied, status, generation } = memory;
  if (troubleOf(memory)) return 'failing';
  if (status.conditions?.some(({ reason }) => reason === 'Suspended')) return 'suspended';
  // Without an interval a restart rests on what the status says, and remembers nothing.
  const rests = isReady(status) && status.observedGeneration === generation;
  return applied || rests ? 'synced' : 'waiting';
}

/** When the agent looks at it again by itself, Unix milliseconds. */
function nextLookAt(memory: Memory, { groups, schedule }: ResourceStateOptions): number | undefined {
  const { key, source, failure } = memory;
  const moments = [
    schedule.dueAt(`wake ${key}`),
    groups.dueAt(key),
    failure && source?.lookAt(key),
    troubleOf(memory) && source?.failure?.nextRetryAt,
  ].filter((at) => at !== undefined);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}
