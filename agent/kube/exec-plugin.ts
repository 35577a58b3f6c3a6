import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import type { Clock } from '../clock.ts';
import { parseJson, readText } from './body.ts';
import { KubeError } from './error.ts';

/** A command of a kubeconfig that prints credentials, as client-go runs it (rest/exec). */
export interface ExecPlugin {
  apiVersion: string;
  command: string;
  args: readonly string[];
  env: readonly { name: string; value: string }[];
  interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  /** What KUBERNETES_EXEC_INFO says of the cluster; undefined: `provideClusterInfo` is not set. */
  cluster: Readonly<Record<string, unknown>> | undefined;
}

/** What the command printed. */
export interface ExecCredential {
  token?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** Unix milliseconds of the wall clock; undefined: until the server says 401. */
  expiresAt: number | undefined;
}

/** As a kubeconfig may have it. */
type RawExec = Partial<Record<keyof ExecPlugin | 'provideClusterInfo', unknown>>;

const API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const LARGEST_OUTPUT_BYTES = 1024 * 1024;

/**
 * Reads the `exec` of a kubeconfig's user.
 * @param file the kubeconfig: a command with a slash is relative to its folder
 * @param cluster as the kubeconfig has it
 * @throws KubeError `KubeconfigInvalid`
 */
export function parseExecPlugin(exec: unknown, file: string, cluster: unknown): ExecPlugin {
  const { apiVersion, command, args, env, interactiveMode, provideClusterInfo } = exec as RawExec;
  if (!API_VERSIONS.includes(String(apiVersion)) || typeof command !== 'string' || command === '')
    throw new KubeError(0, { code: 'KubeconfigInvalid' });
  const relative = (command.includes('/') || command.includes(sep)) && !isAbsolute(command);
  const { server, ...more } = cluster as Record<string, unknown>;
  return {
    apiVersion: String(apiVersion),
    command: relative ? resolve(dirname(file), command) : command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: Array.isArray(env) ? (env as { name: string; value: string }[]) : [],
    // v1 demands it; v1beta1 has this default.
    interactiveMode:
      interactiveMode === 'Never' || interactiveMode === 'Always' ? interactiveMode : 'IfAvailable',
    cluster:
      provideClusterInfo === true
        ? {
            server,
            'tls-server-name': more['tls-server-name'],
            'insecure-skip-tls-verify': more['insecure-skip-tls-verify'],
            'certificate-authority-data': more['certificate-authority-data'],
          }
        : undefined,
  };
}

/**
 * Runs the command: with the terminal for a prompt where there is one, and its standard error for people to read.
 * @throws KubeError `ExecNotFound`, `ExecFailed`, `ExecMalformed`, `ExecNeedsTerminal`, `Aborted`
 */
export async function runExecPlugin(
  plugin: ExecPlugin,
  { signal, environment, terminal }: ExecOptions,
): Promise<ExecCredential> {
  const { apiVersion, command, args, env, interactiveMode, cluster } = plugin;
  const interactive = terminal && interactiveMode !== 'Never';
  if (interactiveMode === 'Always' && !terminal) throw new KubeError(0, { code: 'ExecNeedsTerminal' });
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive, ...(cluster && { cluster }) } };
  const child = spawn(command, args, {
    env: {
      ...environment,
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    },
    stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
    signal,
  });
  const code = new Promise<number>((done, failed) => {
    child.once('error', failed);
    child.once('close', (exitCode) => done(exitCode ?? -1));
  });
  try {
    const [output, exitCode] = await Promise.all([
      readText(child.stdout as Readable, LARGEST_OUTPUT_BYTES),
      code,
    ]);
    if (exitCode !== 0) throw new KubeError(0, { code: 'ExecFailed' });
    return parseCredential(output, apiVersion);
  } catch (error) {
    if (signal.aborted) throw new KubeError(0, { code: 'Aborted' });
    if (error instanceof KubeError) throw error;
    throw new KubeError(0, {
      code: (error as { code?: unknown }).code === 'ENOENT' ? 'ExecNotFound' : 'ExecFailed',
    });
  }
}

export interface ExecOptions {
  /** Ends the command. */
  signal: AbortSignal;
  /** Of this process. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Whether a person sits at standard input. */
  terminal: boolean;
}

/** Whether it can still be used, by the wall clock. */
export function isCurrent({ expiresAt }: ExecCredential, clock: Pick<Clock, 'wall'>): boolean {
  return expiresAt === undefined || clock.wall() < expiresAt;
}

interface RawCredential {
  apiVersion?: string;
  kind?: string;
  status?: {
    token?: string;
    clientCertificateData?: string;
    clientKeyData?: string;
    expirationTimestamp?: string;
  };
}

function parseCredential(output: string, apiVersion: string): ExecCredential {
  const malformed = new KubeError(0, { code: 'ExecMalformed' });
  let printed: RawCredential | null;
  try {
    printed = parseJson(output) as RawCredential | null;
  } catch {
    throw malformed;
  }
  if (printed?.apiVersion !== apiVersion || printed.kind !== 'ExecCredential') throw malformed;
  const {
    token,
    clientCertificateData: cert,
    clientKeyData: key,
    expirationTimestamp,
  } = printed.status ?? {};
  if (token === undefined && (cert === undefined || key === undefined)) throw malformed;
  if ([token, cert, key].some((one) => one !== undefined && typeof one !== 'string')) throw malformed;
  const expiresAt = Date.parse(expirationTimestamp ?? '');
  return { token, cert, key, expiresAt: Number.isFinite(expiresAt) ? expiresAt : undefined };
}
