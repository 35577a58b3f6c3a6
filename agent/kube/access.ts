import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { Deadline } from './deadline.ts';
import { KubeError } from './error.ts';
import { isCurrent, runExecPlugin, type ExecCredential, type ExecOptions } from './exec-plugin.ts';
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
  /** For a kubeconfig's command: the environment that it inherits, and whether a person can answer it. */
  environment?: ExecOptions['environment'];
  terminal?: boolean;
  /** Gives the first reading up, and ends a command of the kubeconfig. */
  signal?: AbortSignal;
  clock: Clock;
}

/** A command may wait for a person to sign in; one that hangs is not to be waited for by everything for ever. */
const LONGEST_COMMAND_MS = 5 * 60_000;
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

  /**
   * @throws KubeError `KubeconfigInvalid`, `KubeconfigUnreadable` or `ContextUnknown`; for a command of the kubeconfig
   * `ExecNotFound`, `ExecFailed`, `ExecMalformed` or `ExecNeedsTerminal`
   */
  static async load(options: AccessOptions): Promise<Access> {
    const { kubeconfig, context, clock, signal, environment = {}, terminal = false } = options;
    const entry = kubeconfig === undefined ? inCluster(options) : await fromKubeconfig(kubeconfig, context);
    let printed: ExecCredential | undefined;
    const access = new Access(entry, clock, async (again) => {
      const { exec } = entry;
      if (exec !== undefined && (again || printed === undefined || !isCurrent(printed, clock))) {
        const limit = new Deadline(clock, [signal], LONGEST_COMMAND_MS, 'Timeout');
        const run = runExecPlugin(exec, { signal: limit.signal, environment, terminal });
        printed = await run.finally(() => limit.end());
      }
      return readCredentials(entry, printed);
    });
    await access.credentials(false, signal);
    return access;
  }

  /**
   * What to present now. Read again once a minute and, with `again`, at once: the API server said 401. When files
   * cannot be read, or a command fails, the last credentials stay in use.
   * @param signal gives up waiting; what is read goes on for others
   */
  async credentials(again = false, signal?: AbortSignal): Promise<Credentials> {
    const last = this.#last;
    if (last !== undefined && !again && this.#clock.now() - last.at < READ_AGAIN_MS) return last.credentials;
    this.#reading ??= this.#readOnce(again).finally(() => {
      this.#reading = undefined;
    });
    return signal === undefined ? this.#reading : orAborted(this.#reading, signal);
  }

  /** The server could not be verified: its CA may have been replaced, so files are read again with the next request. */
  doubt(): void {
    if (this.#last !== undefined) this.#last = { ...this.#last, at: -Infinity };
  }

  async #readOnce(again: boolean): Promise<Credentials> {
    try {
      const credentials = await this.#read(again);
      this.#last = { at: this.#clock.now(), credentials };
      return credentials;
    } catch (error) {
      if (this.#last === undefined)
        throw error instanceof KubeError ? error : new KubeError(0, { code: 'KubeconfigUnreadable' });
      this.#last = { ...this.#last, at: this.#clock.now() };
      return this.#last.credentials;
    }
  }
}

async function readCredentials(
  { cluster, user, tokenFile }: Entry,
  printed: ExecCredential | undefined,
): Promise<Credentials> {
  const [ca, cert, key, fileToken] = await Promise.all([
    fileOrData(cluster.caFile, cluster.caData),
    fileOrData(user.certFile, user.certData),
    fileOrData(user.keyFile, user.keyData),
    tokenFile === undefined ? undefined : readWhole(tokenFile),
  ]);
  const token = printed?.token ?? (fileToken?.trim() || user.token);
  return {
    headers: present({
      authorization: token ? `Bearer ${token}` : undefined,
      'impersonate-user': user.impersonateUser,
    }),
    tls: {
      ...present({
        ca,
        cert: printed?.cert ?? cert,
        key: printed?.key ?? key,
        servername: cluster.tlsServerName,
      }),
      rejectUnauthorized: !cluster.skipTLSVerify,
    },
  };
}

/** An empty file is one that is being written: what it stands for is not to be left out. */
async function readWhole(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  if (text.trim() === '') throw new KubeError(0, { code: 'KubeconfigUnreadable' });
  return text;
}

/** The result, or a rejection as soon as `signal` is aborted. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: first, resolve, reject } = Promise.withResolvers<T>();
  const abort = (): void => reject(new KubeError(0, { code: 'Aborted' }));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  return first;
}

/** Without the properties that are not there: client-node gives null, and so may a file. */
function present<K extends string>(values: Record<K, string | null | undefined>): Partial<Record<K, string>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as Partial<
    Record<K, string>
  >;
}

async function fileOrData(file: string | undefined, data: string | undefined): Promise<string | undefined> {
  if (file) return readWhole(file);
  return data ? Buffer.from(data, 'base64').toString('utf8') : undefined;
}
