import { Rendezvous } from '../../agent/shard/rendezvous.ts';

/** The slice of the agents' Service with a ready pod on each node, as the endpointslice controller writes it. */
export const writtenSlice = (nodes: readonly string[]): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'vsecm-agent-1',
    namespace: 'vsecm-agent',
    labels: {
      'kubernetes.io/service-name': 'vsecm-agent',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    },
  },
  addressType: 'IPv4',
  endpoints: nodes.map((node, number) => ({
    addresses: [`10.244.${number}.7`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: node,
    targetRef: { kind: 'Pod', namespace: 'vsecm-agent', name: `vsecm-agent-${node}` },
  })),
  ports: [],
});

/** Names of `count` nodes that are elected before `node` where not all may own. */
export function electedBefore(node: string, count: number): string[] {
  const names = Array.from({ length: 10 * count + 20 }, (_, i) => `other-${i}`);
  return names
    .filter((name) => new Rendezvous([node, name], { maxOwners: 1 }).owners[0] === name)
    .slice(0, count);
}
