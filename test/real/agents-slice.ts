/** The EndpointSlice of the agents' Service with one ready pod, as the endpointslice controller writes it. */
export const sliceOf = (node: string, pod: string): object => ({
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
  endpoints: [
    {
      addresses: ['10.244.1.7'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: node,
      targetRef: { kind: 'Pod', namespace: 'vsecm-agent', name: pod },
    },
  ],
  ports: [],
});
