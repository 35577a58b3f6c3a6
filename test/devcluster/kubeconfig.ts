import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from './api-client.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Writes a self-contained kubeconfig (JSON is YAML) into a new folder below `parent`; returns its path. */
export async function writeKubeconfig(parent: string, credentials: Credentials): Promise<string> {
  const { server, caPem, certPem, keyPem, token } = credentials;
  const user = {
    ...(token === undefined ? {} : { token }),
    ...(certPem === undefined ? {} : { 'client-certificate-data': base64(certPem) }),
    ...(keyPem === undefined ? {} : { 'client-key-data': base64(keyPem) }),
  };
  const path = join(await mkdtemp(join(parent, 'kubeconfig-')), 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await writeFile(path, JSON.stringify(config, null, 2), { mode: 0o600 });
  return path;
}
