import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { readConfig } from '../agent/config.ts';
import { Safes } from '../agent/safe/safes.ts';

const SHIPPED = join(import.meta.dirname, '../daemonset');
const OPTIONAL = join(SHIPPED, 'optional/federation');
const read = async (path: string): Promise<any> => load(await readFile(path, 'utf8'));

test('the federation component patches what is shipped, and its parts speak of one trust domain', async () => {
  const { resources, patches } = await read(join(OPTIONAL, 'Kustomization'));
  assert.deepEqual(
    [resources, patches],
    [['10-trust-domain.yaml'], [{ path: '20-clusterspiffeid.yaml' }, { path: '30-daemonset.yaml' }]],
  );
  const trust = await read(join(OPTIONAL, '10-trust-domain.yaml'));
  // VSecM's SPIRE ignores objects without the class.
  assert.deepEqual([trust.kind, trust.spec.className], ['ClusterFederatedTrustDomain', 'vsecm']);
  const { trustDomain, bundleEndpointProfile } = trust.spec;
  assert.deepEqual(bundleEndpointProfile, {
    type: 'https_spiffe',
    endpointSPIFFEID: `spiffe://${trustDomain}/spire/server`,
  });

  const entry = await read(join(OPTIONAL, '20-clusterspiffeid.yaml'));
  const shippedEntry = await read(join(SHIPPED, '40-clusterspiffeid.yaml'));
  for (const field of ['apiVersion', 'kind']) assert.equal(entry[field], shippedEntry[field]);
  assert.equal(entry.metadata.name, shippedEntry.metadata.name);
  assert.deepEqual(entry.spec.federatesWith, [trustDomain]);

  const daemonset = await read(join(OPTIONAL, '30-daemonset.yaml'));
  const shipped = await read(join(SHIPPED, '60-daemonset.yaml'));
  const [container] = daemonset.spec.template.spec.containers;
  assert.equal(container.name, shipped.spec.template.spec.containers[0].name);
  const [{ name, value }] = container.env;
  const { safes } = readConfig({ NODE_NAME: 'n', POD_NAME: 'p', POD_NAMESPACE: 'ns', [name]: value });
  const safe = new Safes(safes).resolve('https://safe.b.example');
  assert.deepEqual([safe?.trustDomain, safe?.scope], [trustDomain, { as: 'vsecm.com', qualified: true }]);
});
