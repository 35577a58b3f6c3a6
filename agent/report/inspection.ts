import { setImmediate } from 'node:timers/promises';
import type { AgentState, ResourceName, ResourceState } from '../api/state.ts';
import type { Fetchers } from '../fetch/fetchers.ts';
import type { RefreshGroups } from '../fetch/groups.ts';
import { resourceState, stateOf, type ResourceStateOptions } from './resource-state.ts';
import { safeState } from './safe-state.ts';
import type { Subject } from './subject.ts';

export interface InspectionOptions extends ResourceStateOptions {
  groups: Pick<RefreshGroups, 'dueAt' | 'sizes'>;
  fetchers: Pick<Fetchers, 'all'>;
  subjects: ReadonlyMap<string, Subject>;
}

/** Resources gone through before others get their turn. */
const PIECE = 1_000;
/** More resources than anybody reads, and characters of what is said of them, in one answer: made within 10 ms. */
const MOST = 500;
const MOST_CHARACTERS = 256 * 1024;

/**
 * What a person may know of the Safes of this agent, and of its resources: as they were last reconciled, those in
 * trouble first, or one alone. Made in pieces, so that nothing waits for it.
 */
export async function inspect(
  options: InspectionOptions,
  one?: ResourceName,
): Promise<Pick<AgentState, 'safes' | 'resources' | 'counts'>> {
  const safes = [...options.fetchers.all()].map((fetcher) => safeState(fetcher, options));
  if (one !== undefined) {
    const subject = options.subjects.get(`${one.namespace}/${one.name}`);
    return { safes, resources: subject ? [resourceState(subject, options, true)] : [] };
  }
  const sorted: Record<ResourceState['state'], Subject[]> = {
    failing: [],
    waiting: [],
    suspended: [],
    synced: [],
  };
  let looked = 0;
  for (const subject of [...options.subjects.values()]) {
    sorted[stateOf(subject)].push(subject);
    if (++looked % PIECE === 0) await setImmediate();
  }
  const { failing, waiting, suspended, synced } = sorted;
  const counts = {
    failing: failing.length,
    waiting: waiting.length,
    suspended: suspended.length,
    synced: synced.length,
  };
  const resources: ResourceState[] = [];
  let characters = 0;
  for (const subject of [failing, waiting, suspended, synced]
    .flatMap((some) => some.slice(0, MOST))
    .slice(0, MOST)) {
    const state = resourceState(subject, options, false);
    characters += (state.message?.length ?? 0) + (state.hint?.length ?? 0);
    if (characters > MOST_CHARACTERS) break;
    resources.push(state);
  }
  return { safes, resources, counts };
}
