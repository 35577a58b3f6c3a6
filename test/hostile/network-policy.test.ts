import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load, loadAll } from 'js-yaml';

const read = (path: string): string =>
  readFileSync(new URL(`../../daemonset/${path}`, import.meta.url), 'utf8');

test('the network policy is about the pods of the DaemonSet, and lets in what asks for metrics alone', () => {
  const policy = load(read('optional/networkpolicy.yaml')) as any;
  const daemonSet = (loadAll(read('60-daemonset.yaml')) as any[]).find(({ kind }) => kind === 'DaemonSet');
  const { podSelector, policyTypes, ingress } = policy.spec;
  assert.equal(policy.metadata.namespace, daemonSet.metadata.namespace);
  const labels = daemonSet.spec.template.metadata.labels;
  for (const [key, value] of Object.entries(podSelector.matchLabels)) assert.equal(labels[key], value);
  assert.deepEqual(policyTypes, ['Ingress', 'Egress']);
  const [container] = daemonSet.spec.template.spec.containers;
  const ports = ingress.flatMap((rule: any) => rule.ports.map(({ port }: any) => port));
  assert.deepEqual(
    ports,
    container.ports.map(({ name }: any) => name),
  );
});

test('the network policy lets the agents ask Safe, names and the API server', () => {
  const { egress } = (load(read('optional/networkpolicy.yaml')) as any).spec;
  const container = (loadAll(read('60-daemonset.yaml')) as any[]).find(({ kind }) => kind === 'DaemonSet')
    .spec.template.spec.containers[0];
  const safe = new URL(container.env.find(({ name }: any) => name === 'VSECM_SAFE_ENDPOINT_URL').value);
  const [service, namespace] = safe.hostname.split('.');
  const [to] = egress[0].to;
  assert.equal(to.podSelector.matchLabels['app.kubernetes.io/name'], service);
  assert.equal(to.namespaceSelector.matchLabels['kubernetes.io/metadata.name'], namespace);
  assert.deepEqual(egress[0].ports, [{ port: Number(safe.port) }]);
  const open = egress.filter((rule: any) => rule.to === undefined);
  assert.deepEqual(open, [{ ports: [{ port: 443 }, { port: 6443 }] }]);
});
