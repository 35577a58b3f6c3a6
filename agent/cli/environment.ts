import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { AccessOptions } from '../kube/access.ts';

/** What the environment says about the cluster, as kubectl reads it. */
export type Surroundings = Pick<AccessOptions, 'kubeconfig' | 'host' | 'port' | 'environment' | 'terminal'>;

/**
 * The kubeconfigs that kubectl would read: `named` (--kubeconfig), else those of KUBECONFIG, else ~/.kube/config, else
 * in a pod its ServiceAccount.
 */
export function readSurroundings(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Surroundings {
  const command = { environment: env, terminal: process.stdin.isTTY === true };
  if (named !== undefined) return { kubeconfig: named, ...command };
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return { kubeconfig: listed, ...command };
  const usual = join(env['HOME'] || homedir(), '.kube', 'config');
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  return !existsSync(usual) && host ? { host, port } : { kubeconfig: usual, ...command };
}

/** The proxy that kubectl would go through to `server` and this program does not, without what it may hold of a password. */
export function unusedProxy(
  server: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const { protocol, hostname, host } = new URL(server);
  const names = protocol === 'http:' ? ['http_proxy', 'HTTP_PROXY'] : ['HTTPS_PROXY', 'https_proxy'];
  const name = names.find((one) => env[one] !== undefined && env[one] !== '');
  const exempt = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map((one) => one.trim());
  const isExempt = exempt.some(
    (one) =>
      one === '*' ||
      (one !== '' && (host === one || hostname === one || hostname.endsWith(one.replace(/^\*?\.?/, '.')))),
  );
  return isExempt ? undefined : name;
}
