import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { AccessOptions } from '../kube/access.ts';

/** What the environment says about the cluster, as kubectl reads it. */
export type Surroundings = Pick<AccessOptions, 'kubeconfig' | 'host' | 'port'>;

/**
 * The kubeconfigs that kubectl would read: `named` (--kubeconfig), else those of KUBECONFIG, else ~/.kube/config, else
 * in a pod its ServiceAccount.
 */
export function readSurroundings(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Surroundings {
  if (named !== undefined) return { kubeconfig: named };
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return { kubeconfig: listed };
  const usual = join(env['HOME'] || homedir(), '.kube', 'config');
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  return !existsSync(usual) && host ? { host, port } : { kubeconfig: usual };
}
