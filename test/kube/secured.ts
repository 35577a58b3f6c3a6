import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Clock } from '../../agent/clock.ts';
import { KubeClient } from '../../agent/kube/client.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { Ca } from '../devcluster/pki.ts';
import { folder, Wire, writeConfig } from './wire.ts';

/** A wire over TLS, so with HTTP/2, and a client for it that trusts it; both end with the test. */
export async function secured(t: TestContext, clock?: Clock) {
  const ca = await Ca.create('test');
  const { chainPem, keyPem } = await ca.issue({ sans: [{ type: 'ip', value: '127.0.0.1' }] });
  const wire = await Wire.start(t, { cert: chainPem, key: keyPem });
  const dir = await folder(t);
  await writeFile(join(dir, 'ca.crt'), ca.certPem);
  const cluster = { server: `https://127.0.0.1:${wire.port}`, 'certificate-authority': 'ca.crt' };
  const kubeconfig = await writeConfig(dir, cluster, { token: 't' });
  const client = await KubeClient.load({ kubeconfig, metrics: createMetrics(), ...(clock && { clock }) });
  t.after(() => client.close());
  return { wire, client };
}
