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
import { parseExecPlugin, type ExecPlugin } from './exec-plugin.ts';

/** Where the API server and the ServiceAccount of a pod are. */
export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST and _PORT; default: the name that the DNS of every cluster has. */
  host?: string | undefined;
  port?: string | undefined;
  /** Where the ServiceAccount is mounted. */
  serviceAccountFolder?: string;
}

export type Cluster = Omit<ConfigCluster, 'caFile'> & { caFile?: string | undefined };
export type User = Omit<ConfigUser, 'certFile' | 'keyFile' | 'exec'> & {
  certFile?: string | undefined;
  keyFile?: string | undefined;
};

/** A cluster and who speaks to it; paths are absolute. */
export interface Entry {
  cluster: Cluster;
  user: User;
  tokenFile?: string | undefined;
  /** Prints the credentials. */
  exec?: ExecPlugin | undefined;
  /** Of the context: where commands work that name none. */
  namespace?: string | undefined;
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

/** Beyond `as`, which is kept. */
const IMPERSONATION = ['as-uid', 'as-groups', 'as-user-extra'];

interface RawKubeconfig {
  'current-context'?: string;
  clusters?: { name: string; cluster?: object }[];
  contexts?: unknown[];
  /** client-node knows `token-file` only, which kubectl does not write. */
  users?: { name: string; user?: { tokenFile?: string; exec?: unknown } & Record<string, unknown> }[];
}

/** What one file adds; paths are absolute. */
interface KubeconfigFile {
  current: string | undefined;
  contexts: { name: string; cluster: string; user: string; namespace?: string | undefined }[];
  clusters: (Cluster & { raw: object })[];
  users: (User & Pick<Entry, 'tokenFile'> & { raw: Record<string, unknown>; file: string })[];
}

/**
 * A context of a kubeconfig, by default the current one. Of several files, as KUBECONFIG may list them, the first that
 * has a name decides, and those that do not exist do not count, as with kubectl.
 * @throws KubeError `KubeconfigInvalid`, `KubeconfigUnreadable`, or `ContextUnknown` for a `context` that is not there
 */
export async function fromKubeconfig(paths: string | readonly string[], context?: string): Promise<Entry> {
  const files = (await Promise.all([paths].flat().map(readKubeconfig))).filter((file) => file !== undefined);
  if (files.length === 0) throw new KubeError(0, { code: 'KubeconfigUnreadable' });
  const wanted = context ?? files.find(({ current }) => current)?.current;
  const chosen = named(
    files.flatMap(({ contexts }) => contexts),
    wanted,
  );
  if (chosen === undefined && context !== undefined) throw new KubeError(0, { code: 'ContextUnknown' });
  const cluster = named(
    files.flatMap(({ clusters }) => clusters),
    chosen?.cluster,
  );
  const user = named(
    files.flatMap(({ users }) => users),
    chosen?.user,
  );
  if (cluster === undefined || user === undefined) throw new KubeError(0, { code: 'KubeconfigInvalid' });
  // Without these the program would speak to another host, or as somebody else, than the file means.
  const unheard = [...IMPERSONATION, 'auth-provider', 'username'].some((key) => user.raw[key] !== undefined);
  if (cluster.proxyUrl !== undefined || unheard) throw new KubeError(0, { code: 'KubeconfigInvalid' });
  const { raw, file, tokenFile } = user;
  const exec = raw['exec'] ? parseExecPlugin(raw['exec'], file, cluster.raw) : undefined;
  return { cluster, user, tokenFile, exec, namespace: chosen?.namespace || undefined };
}

/** `undefined` for a file that cannot be read. */
async function readKubeconfig(path: string): Promise<KubeconfigFile | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const absolute = (file: string | undefined) => (file ? resolve(dirname(path), file) : undefined);
  try {
    const raw = parseYaml(text) as RawKubeconfig;
    return {
      current: raw['current-context'],
      contexts: newContexts(raw.contexts ?? []),
      clusters: newClusters(raw.clusters ?? []).map((cluster) => ({
        ...cluster,
        caFile: absolute(cluster.caFile),
        raw: raw.clusters?.find(({ name }) => name === cluster.name)?.cluster ?? {},
      })),
      users: newUsers(raw.users ?? []).map(({ exec: _, ...user }) => ({
        ...user,
        file: path,
        raw: raw.users?.find(({ name }) => name === user.name)?.user ?? {},
        certFile: absolute(user.certFile),
        keyFile: absolute(user.keyFile),
        tokenFile: absolute(raw.users?.find(({ name }) => name === user.name)?.user?.tokenFile),
      })),
    };
  } catch {
    // The parser's message quotes the file, which holds keys.
    throw new KubeError(0, { code: 'KubeconfigInvalid' });
  }
}

const named = <T extends { name: string }>(entries: readonly T[], name: string | undefined): T | undefined =>
  entries.find((entry) => entry.name === name);
