import { get as httpGet, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AgentState, ResourceName } from '../api/state.ts';
import { readText } from '../kube/body.ts';
import { KubeError } from '../kube/error.ts';
import type { AgentPod } from './agents.ts';
import type { Cluster } from './cluster.ts';
import { portForward } from './port-forward.ts';
import { asking, Refused } from './refused.ts';
import { UsageError } from './usage-error.ts';

const TIMEOUT_MS = 10_000;
/** One resource, and all agents of a cluster by name. */
const LARGEST_STATE_BYTES = 4 * 1024 * 1024;

/** What an agent told about itself, or why it could not be asked. */
export type StateResult = { state: AgentState } | { unreachable: string };

/** Asks the agent in a pod for what its `/state.json` tells, of one resource if that is given, through the API server. */
export async function stateOfPod(
  cluster: Cluster,
  { pod }: Pick<AgentPod, 'pod'>,
  port: number,
  signal: AbortSignal,
  one?: ResourceName,
): Promise<StateResult> {
  const { access, agentNamespace: namespace } = cluster;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const asked = { verb: 'get and create', resource: 'pods/portforward', namespace, name: pod };
    return await asking(asked, async () => {
      const stream = await portForward({ access, namespace, pod, port, signal: limited });
      try {
        return { state: await fetchState({ createConnection: () => stream, port, signal: limited }, one) };
      } finally {
        stream.destroy();
      }
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof Refused)) throw error;
    return { unreachable: error.message };
  }
}

/** Asks the page at a URL, such as one that `kubectl port-forward` opened. */
export async function stateOfUrl(
  text: string,
  signal: AbortSignal,
  one?: ResourceName,
): Promise<StateResult> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:') throw new UsageError('--state-url: wanted http://127.0.0.1:PORT/state.json');
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const { hostname: host, port, pathname } = url;
  const path = pathname === '/' ? '/state.json' : pathname;
  try {
    return { state: await fetchState({ host, port: port || 80, path, signal: limited }, one) };
  } catch (error) {
    if (signal.aborted || !(error instanceof KubeError)) throw error;
    const why = error.status === 0 ? `no state (${error.code ?? 'Unknown'})` : `status ${error.status}`;
    return { unreachable: `--state-url gives ${why}: is kubectl port-forward running there?` };
  }
}

/** @throws KubeError, `Malformed` for what is no state */
async function fetchState(
  { path = '/state.json', ...options }: RequestOptions,
  one?: ResourceName,
): Promise<AgentState> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { host: 'localhost', accept: 'application/json', connection: 'close' };
  const query = one === undefined ? '' : `?${new URLSearchParams({ ...one }).toString()}`;
  httpGet({ path: `${path}${query}`, headers, ...options }, resolve).on('error', reject);
  try {
    const response = await promise;
    if (response.statusCode !== 200) throw new KubeError(response.statusCode ?? 0);
    return parseState(await readText(response, LARGEST_STATE_BYTES));
  } catch (error) {
    throw options.signal?.aborted ? new KubeError(0, { code: 'Timeout' }) : KubeError.fromThrown(error);
  }
}

function parseState(text: string): AgentState {
  try {
    const state = JSON.parse(text) as AgentState;
    const { node, identity, ownership, safes, resources } = state;
    const whole = typeof node === 'string' && typeof identity === 'object' && typeof ownership === 'object';
    if (whole && Array.isArray(safes) && Array.isArray(resources)) return state;
  } catch {
    // Said below.
  }
  throw new KubeError(0, { code: 'Malformed' });
}
