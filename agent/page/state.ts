import type { Code } from '../api/reasons.ts';
import type { AgentState, DeclaredSafeState, ResourceName } from '../api/state.ts';
import { dateOf, type Clock } from '../clock.ts';
import { sharedResult } from '../shared-result.ts';

export interface StateOptions {
  version: string;
  node: string;
  pod: string;
  /** By the clock's `now`. */
  startedAt: number;
  clock: Pick<Clock, 'now' | 'wall'>;
  /** The identity in use; throws an error with a code of the stage identity if there is none. */
  identity: () => { id: { uri: string }; notAfter: number };
  ownership: () => {
    role: string | undefined;
    members: readonly string[];
    owners: readonly string[];
    present: boolean;
    namespaces: number;
  };
  declared: () => DeclaredSafeState[];
  /** The Safes and resources of this agent, or one resource; an agent that owns nothing has none. */
  work: (one?: ResourceName) => Promise<Pick<AgentState, 'safes' | 'resources' | 'counts'>> | undefined;
}

/** How long a state of all resources serves those who ask, milliseconds: pages ask every two seconds. */
const SHARED_MS = 1_000;

/**
 * The state of the agent as it is told to people. That of all resources is shared for a second: the work does not
 * grow with the number of open pages.
 */
export function stateOf(options: StateOptions): (one?: ResourceName) => Promise<AgentState> {
  const all = sharedResult(options.clock, SHARED_MS, () => make(options));
  return (one) => (one === undefined ? all() : make(options, one));
}

async function make(options: StateOptions, one?: ResourceName): Promise<AgentState> {
  const { version, node, pod, startedAt } = options;
  const { role, members, owners, present, namespaces } = options.ownership();
  return {
    version,
    node,
    pod,
    startedAt: dateOf(options.clock, startedAt).toISOString(),
    identity: identity(options),
    declared: options.declared(),
    ownership: {
      ...(role !== undefined && { role }),
      members: [...members],
      owners: [...owners],
      present,
      namespaces,
    },
    ...((await options.work(one)) ?? { safes: [], resources: [] }),
  };
}

function identity(options: StateOptions): AgentState['identity'] {
  try {
    const { id, notAfter } = options.identity();
    return { spiffeId: id.uri, notAfter: new Date(notAfter).toISOString() };
  } catch (error) {
    const { code, cause } = error as { code?: Code; cause?: unknown };
    if (code === undefined) throw error;
    return { failure: { code, ...(typeof cause === 'string' && { cause }) } };
  }
}
