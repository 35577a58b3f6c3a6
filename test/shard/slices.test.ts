import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSlice, sliceSelector } from '../../agent/shard/slices.ts';

/** As kube-controller-manager 1.37 writes them. */
const object = (labels: object = {}, endpoints: unknown = []): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'vsecm-agent-x7k2p',
    namespace: 'vsecm-agent',
    uid: '4e8c',
    resourceVersion: '17',
    labels: {
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'kubernetes.io/service-name': 'vsecm-agent',
      'service.kubernetes.io/headless': '',
      ...labels,
    },
  },
  addressType: 'IPv4',
  endpoints,
});
const endpoint = (conditions: unknown, more: object = {}): object => ({
  addresses: ['10.0.0.7'],
  conditions,
  nodeName: 'a',
  targetRef: { kind: 'Pod', name: 'vsecm-agent-1', namespace: 'vsecm-agent', uid: '9' },
  ...more,
});
const endpoints = (...list: unknown[]) => parseSlice(object({}, list), 'vsecm-agent')!.endpoints;

describe('an EndpointSlice', () => {
  it('is read as nodes and pods with their state', () => {
    assert.deepEqual(
      parseSlice(object({}, [endpoint({ ready: true, serving: true, terminating: false })]), 'vsecm-agent'),
      {
        key: 'vsecm-agent/vsecm-agent-x7k2p',
        namespace: 'vsecm-agent',
        name: 'vsecm-agent-x7k2p',
        uid: '4e8c',
        resourceVersion: '17',
        endpoints: [{ node: 'a', pod: 'vsecm-agent-1', ready: true, terminating: false }],
      },
    );
  });

  it('counts an endpoint without a ready condition as ready', () => {
    assert.deepEqual(
      endpoints(endpoint({}), endpoint(undefined), endpoint({ ready: null }), endpoint({ ready: false })).map(
        (e) => e.ready,
      ),
      [true, true, true, false],
    );
  });

  it('never counts a terminating endpoint as ready', () => {
    for (const ready of [true, false, undefined])
      assert.deepEqual(endpoints(endpoint({ ready, serving: true, terminating: true })), [
        { node: 'a', pod: 'vsecm-agent-1', ready: false, terminating: true },
      ]);
  });

  it('leaves out endpoints without a node, and knows no pod where none is named', () => {
    assert.deepEqual(endpoints(endpoint({}, { nodeName: undefined }), endpoint({}, { nodeName: '' })), []);
    for (const targetRef of [undefined, { kind: 'Node', name: 'x' }, { kind: 'Pod' }])
      assert.equal(endpoints(endpoint({}, { targetRef }))[0]!.pod, undefined);
  });

  it('of another writer or another Service is none', () => {
    for (const labels of [
      { 'endpointslice.kubernetes.io/managed-by': 'mallory' },
      { 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
      { 'endpointslice.kubernetes.io/managed-by': undefined },
      { 'kubernetes.io/service-name': 'vsecm-safe' },
    ])
      assert.equal(parseSlice(object(labels), 'vsecm-agent'), undefined);
  });

  it('that is malformed is none, or empty', () => {
    for (const bad of [undefined, null, 7, 'x', {}, { metadata: null }])
      assert.equal(parseSlice(bad, 'vsecm-agent'), undefined);
    for (const list of [undefined, null, {}, [null, 3, {}]])
      assert.deepEqual(parseSlice(object({}, list), 'vsecm-agent')?.endpoints, []);
  });

  it('is selected at the server by the same labels', () => {
    assert.equal(
      sliceSelector('vsecm-agent'),
      'endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io,kubernetes.io/service-name=vsecm-agent',
    );
  });
});
