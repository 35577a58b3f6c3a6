import type { Endpoint, Slice } from '../../agent/shard/slices.ts';

export type State = 'ready' | 'starting' | 'terminating';

/** One endpoint; its pod is named after the node unless `pod` says otherwise. */
export const endpoint = (node: string, state: State, pod = `agent-${node}`): Endpoint => ({
  node,
  pod,
  ready: state === 'ready',
  terminating: state === 'terminating',
});

let slices = 0;

/** A slice of the agents' Service with these endpoints. */
export function sliceOf(...endpoints: Endpoint[]): Slice {
  const name = `vsecm-agent-${slices++}`;
  return {
    key: `vsecm-agent/${name}`,
    namespace: 'vsecm-agent',
    name,
    uid: name,
    resourceVersion: '1',
    endpoints,
  };
}

/** All slices of the Service, from the state of one pod for each node. */
export const members = (nodes: Record<string, State>): Slice[] => [
  sliceOf(...Object.entries(nodes).map(([node, state]) => endpoint(node, state))),
];
