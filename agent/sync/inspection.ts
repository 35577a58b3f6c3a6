import { setImmediate } from 'node:timers/promises';
import type { AgentState } from '../api/state.ts';
import type { Memory } from './memory.ts';
import { resourceState, type ResourceStateOptions } from './resource-state.ts';
import { safeState } from './safe-state.ts';
import type { RefreshGroups } from './groups.ts';
import type { Sources } from './sources.ts';

export interface InspectionOptions extends ResourceStateOptions {
  groups: Pick<RefreshGroups, 'dueAt' | 'sizes'>;
  sources: Pick<Sources, 'all'>;
  memories: ReadonlyMap<string, Memory>;
}

/** Resources looked at before others get their turn. */
const PIECE = 100;

/** What a person may know of the Safes and resources of this agent; made in pieces, so that nothing waits for it. */
export async function inspect(options: InspectionOptions): Promise<Pick<AgentState, 'safes' | 'resources'>> {
  const safes = [...options.sources.all()].map((source) => safeState(source, options));
  const resources = [];
  for (const memory of [...options.memories.values()]) {
    resources.push(resourceState(memory, options));
    if (resources.length % PIECE === 0) await setImmediate();
  }
  return { safes, resources };
}
