import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import type { Clock } from '../clock.ts';
import { KubeError } from './error.ts';
import { fromKubeconfig, inCluster, type Entry, type InClusterOptions } from './kubeconfig.ts';

/** What the next connection and the next request present. */
export interface Credentials {
  /** `authorization` and the like. */
  readonly headers: Readonly<Partial<Record<string, string>>>;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
  };
}

export interface AccessOptions extends InClusterOptions {
  /** Path of a kubeconfig, or several; absent: the ServiceAccount that is mounted into the pod. */
  kubeconfig?: string | readonly string[] | undefined;
  /** One of the kubeconfig's contexts; absent: its current one. */
  context?: string | undefined;
  clock: Clock;
}

/** The kubelet replaces the token long before it expires; client-go reads it once a minute, too. */
const READ_AGAIN_MS = 60_000;

/** Where the API server is, and who the agent is there. Files are read again as they rotate. */
export class Access {
  /** Origin and path prefix, without a slash at the end. */
  readonly server: string;
  /** Of the kubeconfig's context, if it says. */
  readonly namespace: string | undefined;
  readonly #read: (again: boolean) => Promise<Credentials>;
  readonly #clock: Clock;
  #last: { at: number; credentials: Credentials } | undefined;
  #reading: Promise<Credentials> | undefined;

  private constructor(
    { cluster, namespace }: Entry,
    clock: Clock,
    read: (again: boolean) => Promise<Credentials>,
  ) {
    this.server = cluster.server;
    this.namespace = namespace;
    this.#clock = clock;
    this.#read = read;
  }

  /** @throws KubeError `KubeconfigInvalid`, `KubeconfigUnreadable` or `ContextUnknown` */
  static async load(options: AccessOptions): Promise<Access> {
    const { kubeconfig, context } = options;
    const entry = kubeconfig === undefined ? inCluster(options) : await fromKubeconfig(kubeconfig, context);
    let exec = new ExecAuth();
    const access = new Access(entry, options.clock, async (again) => {
      if (again) exec = new ExecAuth(); // the only way to make it forget what its command printed
      return readCredentials(entry, exec);
    });
    await access.credentials();
    return access;
  }

  /**
   * What to present now. Read again once a minute and, with `again`, at once: the API server said 401. When files
   * cannot be read, the last credentials stay in use.
   */
  async credentials(again = false): Promise<Credentials> {
    const last = this.#last;
    if (last !== undefined && !again && this.#clock.now() - last.at < READ_AGAIN_MS) return last.credentials;
    this.#reading ??= this.#readOnce(again).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(again: boolean): Promise<Credentials> {
    try {
      const credentials = await this.#read(again);
      this.#last = { at: this.#clock.now(), credentials };
      return credentials;
    } catch {
      if (this.#last === undefined) throw new KubeError(0, { code: 'KubeconfigUnreadable' });
      this.#last = { ...this.#last, at: this.#clock.now() };
      return this.#last.credentials;
    }
  }
}

async function readCredentials({ cluster, user, tokenFile }: Entry, exec: ExecAuth): Promise<Credentials> {
  const [ca, cert, key, fileToken] = await Promise.all([
    fileOrData(cluster.caFile, cluster.caData),
    fileOrData(user.certFile, user.certData),
    fileOrData(user.keyFile, user.keyData),
    tokenFile === undefined ? undefined : readFile(tokenFile, 'utf8'),
  ]);
  const printed: RequestOptions = {};
  if (user.exec) await exec.applyAuthentication(user as never, printed);
  const token = fileToken?.trim() || user.token;
  return {
    headers: present({
      authorization:
        (printed.headers as Record<string, string> | undefined)?.['Authorization'] ??
        (token ? `Bearer ${token}` : undefined),
      'impersonate-user': user.impersonateUser,
    }),
    tls: {
      ...present({
        ca,
        cert: (printed.cert as string | undefined) ?? cert,
        key: (printed.key as string | undefined) ?? key,
        servername: cluster.tlsServerName,
      }),
      rejectUnauthorized: !cluster.skipTLSVerify,
    },
  };
}

/** Without the properties that are not there: client-node gives null, and so may a file. */
function present<K extends string>(values: Record<K, string | null | undefined>): Partial<Record<K, string>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as Partial<
    Record<K, string>
  >;
}

async function fileOrData(file: string | undefined, data: string | undefined): Promise<string | undefined> {
  if (file) return readFile(file, 'utf8');
  return data ? Buffer.from(data, 'base64').toString('utf8') : undefined;
}
