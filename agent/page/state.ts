import type { Code } from '../api/reasons.ts';
import type { AgentState } from '../api/state.ts';

export interface StateOptions {
  version: string;
  node: string;
  pod: string;
  /** Unix milliseconds. */
  startedAt: number;
  /** The identity in use; throws an error with a code of the stage identity if there is none. */
  identity: () => { id: { uri: string }; notAfter: number };
  ownership: () => {
    role: string | undefined;
    members: readonly string[];
    owners: readonly string[];
    present: boolean;
    namespaces: number;
  };
  /** The Safes and resources of this agent, which has none while it owns nothing. */
  work: () => Promise<Pick<AgentState, 'safes' | 'resources'>> | undefined;
}

/**
 * The state of the agent as it is told to people. Those who ask while one is being made get that one: the work
 * does not grow with the number of open pages.
 */
export function stateOf(options: StateOptions): () => Promise<AgentState> {
  let making: Promise<AgentState> | undefined;
  return () => (making ??= make(options).finally(() => (making = undefined)));
}

async function make(options: StateOptions): Promise<AgentState> {
  const { version, node, pod, startedAt } = options;
  const { role, members, owners, present, namespaces } = options.ownership();
  return {
    version,
    node,
    pod,
    startedAt: new Date(startedAt).toISOString(),
    identity: identity(options),
    ownership: {
      ...(role !== undefined && { role }),
      members: [...members],
      owners: [...owners],
      present,
      namespaces,
    },
    ...((await options.work()) ?? { safes: [], resources: [] }),
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
