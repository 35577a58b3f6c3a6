import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
// This file and not `dist/config.js`: that one imports every generated API, which costs 460 ms and 81 MiB from source
// and 13 MiB of RSS in a bundle, on every node (this: 4 ms, 1 MiB). Measured with client-node 2.0.1.
import {
  newClusters,
  newContexts,
  newUsers,
  type Cluster as ConfigCluster,
  type User as ConfigUser,
} from '@kubernetes/client-node/dist/config_types.js';
import { load as parseYaml } from 'js-yaml';
import { KubeError } from './error.ts';

/** Where the API server and the ServiceAccount of a pod are. */
export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST and _PORT; default: the name that the DNS of every cluster has. */
  host?: string | undefined;
  port?: string | undefined;
  /** Where the ServiceAccount is mounted. */
  serviceAccountFolder?: string;
}

export type Cluster = Omit<ConfigCluster, 'caFile'> & { caFile?: string | undefined };
export type User = Omit<ConfigUser, 'certFile' | 'keyFile'> & {
  certFile?: string | undefined;
  keyFile?: string | undefined;
};

/** A cluster and who speaks to it; paths are absolute. */
export interface Entry {
  cluster: Cluster;
  user: User;
  tokenFile?: string | undefined;
}

/** The ServiceAccount that is mounted into the pod. */
export function inCluster(options: InClusterOptions): Entry {
  const {
    host = 'kubernetes.default.svc',
    port = '443',
    serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount',
  } = options;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const cluster = {
    name: 'in-cluster',
    server,
    caFile: `${serviceAccountFolder}/ca.crt`,
    skipTLSVerify: false,
  };
  return { cluster, user: { name: 'in-cluster' }, tokenFile: `${serviceAccountFolder}/token` };
}

interface RawKubeconfig {
  'current-context': string;
  clusters: unknown[];
  contexts: unknown[];
  /** client-node knows `token-file` only, which kubectl does not write. */
  users: { name: string; user?: { tokenFile?: string } }[];
}

/**
 * The current context of a kubeconfig.
 * @throws KubeError `KubeconfigInvalid` or `KubeconfigUnreadable`
 */
export async function fromKubeconfig(path: string): Promise<Entry> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new KubeError(0, { code: 'KubeconfigUnreadable' });
  });
  try {
    const raw = parseYaml(text) as RawKubeconfig;
    const context = newContexts(raw.contexts).find(({ name }) => name === raw['current-context']);
    const cluster = newClusters(raw.clusters).find(({ name }) => name === context?.cluster);
    const user = newUsers(raw.users).find(({ name }) => name === context?.user);
    if (cluster === undefined || user === undefined) throw new Error('incomplete');
    // Without these the agent would speak to another host, or as somebody else, than the file means.
    if (cluster.proxyUrl !== undefined || user.authProvider || user.username) throw new Error('unsupported');
    const absolute = (file: string | undefined) => (file ? resolve(dirname(path), file) : undefined);
    const tokenFile = absolute(raw.users.find((each) => each.name === user.name)?.user?.tokenFile);
    return {
      cluster: { ...cluster, caFile: absolute(cluster.caFile) },
      user: { ...user, certFile: absolute(user.certFile), keyFile: absolute(user.keyFile) },
      tokenFile,
    };
  } catch {
    // The parser's message quotes the file, which holds keys.
    throw new KubeError(0, { code: 'KubeconfigInvalid' });
  }
}
