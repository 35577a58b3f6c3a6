import { get as httpGet, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AgentState, ResourceName, SafeMeetingState } from '../api/state.ts';
import { readText } from '../kube/body.ts';
import { KubeError } from '../kube/error.ts';
import type { Cluster } from './cluster.ts';
import { portForward } from './port-forward.ts';
import { asking, Refused } from './refused.ts';
import { UsageError } from './usage-error.ts';

const TIMEOUT_MS = 10_000;
/** One resource, and all agents of a cluster by name. */
const LARGEST_STATE_BYTES = 4 * 1024 * 1024;

/** What an agent told, or why it could not be asked. */
export type Told<What> = { told: What } | { unreachable: string };
export type StateResult = { state: AgentState } | { unreachable: string };

/** Where an agent's page is: in a pod, through the API server; or at a URL such as `kubectl port-forward` opened. */
export type PageSource = { cluster: Cluster; pod: string; port: number } | { url: string };

/** Asks an agent for what its `/state.json` tells, of one resource if that is given. */
export async function stateOf(
  source: PageSource,
  signal: AbortSignal,
  one?: ResourceName,
): Promise<StateResult> {
  const query = one === undefined ? '' : `?${new URLSearchParams({ ...one }).toString()}`;
  const asked = await ask(source, `/state.json${query}`, isState, signal);
  return 'told' in asked ? { state: asked.told } : asked;
}

/** Has an agent meet each Safe that resources may name. */
export function meetingsOf(source: PageSource, signal: AbortSignal): Promise<Told<SafeMeetingState[]>> {
  return ask(source, '/meetings.json', isMeetings, signal);
}

async function ask<What>(
  source: PageSource,
  path: string,
  fits: (value: unknown) => value is What,
  signal: AbortSignal,
): Promise<Told<What>> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  if ('url' in source) return askUrl(source.url, path, fits, limited, signal);
  const { cluster, pod, port } = source;
  const { access, agentNamespace: namespace } = cluster;
  try {
    const asked = { verb: 'get and create', resource: 'pods/portforward', namespace, name: pod };
    return await asking(asked, async () => {
      const stream = await portForward({ access, namespace, pod, port, signal: limited });
      try {
        return {
          told: await fetchJson({ createConnection: () => stream, port, path, signal: limited }, fits),
        };
      } finally {
        stream.destroy();
      }
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof Refused)) throw error;
    return { unreachable: error.message };
  }
}

async function askUrl<What>(
  text: string,
  path: string,
  fits: (value: unknown) => value is What,
  limited: AbortSignal,
  signal: AbortSignal,
): Promise<Told<What>> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:') throw new UsageError('--state-url: wanted http://127.0.0.1:PORT/state.json');
  const { hostname: host, port, pathname } = url;
  // Another path than the page's own is somebody's proxy.
  const base = pathname.replace(/\/(state\.json)?$/, '');
  try {
    return {
      told: await fetchJson({ host, port: port || 80, path: `${base}${path}`, signal: limited }, fits),
    };
  } catch (error) {
    if (signal.aborted || !(error instanceof KubeError)) throw error;
    const why = error.status === 0 ? `no state (${error.code ?? 'Unknown'})` : `status ${error.status}`;
    return { unreachable: `--state-url gives ${why}: is kubectl port-forward running there?` };
  }
}

/** @throws KubeError, `Malformed` for what is not as it should be */
async function fetchJson<What>(
  options: RequestOptions,
  fits: (value: unknown) => value is What,
): Promise<What> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { host: 'localhost', accept: 'application/json', connection: 'close' };
  httpGet({ headers, ...options }, resolve).on('error', reject);
  try {
    const response = await promise;
    if (response.statusCode !== 200) throw new KubeError(response.statusCode ?? 0);
    const value = parsed(await readText(response, LARGEST_STATE_BYTES));
    if (!fits(value)) throw new KubeError(0, { code: 'Malformed' });
    return value;
  } catch (error) {
    throw options.signal?.aborted ? new KubeError(0, { code: 'Timeout' }) : KubeError.fromThrown(error);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is AgentState {
  const { node, identity, ownership, safes, resources } = (value ?? {}) as Partial<AgentState>;
  const whole = typeof node === 'string' && typeof identity === 'object' && typeof ownership === 'object';
  return whole && Array.isArray(safes) && Array.isArray(resources);
}

const isMeetings = (value: unknown): value is SafeMeetingState[] =>
  Array.isArray(value) &&
  value.every((one: Partial<SafeMeetingState> | null) => typeof one?.url === 'string');
