import type { AgentState, ResourceState, SafeState } from '../api/state.ts';
import {
  parseSpec,
  type Condition,
  type Spec,
  type VSecMSecret,
  type VSecMSecretStatus,
} from '../api/vsecmsecret.ts';
import type { Agents } from './agents.ts';
import { nextStep } from './next-step.ts';
import type { OldPods } from './old-pods.ts';
import type { StateResult } from './state-source.ts';

/** Why a VSecMSecret is as it is. `-o json` prints exactly this. Times are RFC 3339. */
export interface Explanation {
  namespace: string;
  name: string;
  /** One sentence. */
  summary: string;
  ready: boolean;
  suspended: boolean;
  conditions: Condition[];
  failure?: NonNullable<VSecMSecretStatus['failure']>;
  secret?: string;
  /** When the content of the Secret was last written. */
  lastSyncTime?: string;
  sourceUpdated?: string;
  /** Pods that run with an older value of the Secret. Absent: not known, or nothing was written yet. */
  oldPods?: OldPods[];
  /** The node whose agent last told something. */
  node?: string;
  /** The node whose agent is to serve the namespace, as computed from the members. */
  owner?: string;
  /** That agent's pod. */
  pod?: string;
  podReady?: boolean;
  safeURL?: string;
  refreshInterval?: string;
  /** What happens next. */
  next: string;
  /** What the owner's agent itself says. */
  agent:
    | {
        reached: true;
        node: string;
        identity: AgentState['identity'];
        resource?: ResourceState;
        safe?: SafeState;
      }
    | { reached: false; why: string };
  /** What could not be found out, and why. */
  problems: string[];
}

/** Puts together what is known. `asked` is the answer of the agent that is to serve the resource. */
export function explain(resource: VSecMSecret, agents: Agents, asked: StateResult): Explanation {
  const { namespace, name, generation = 0, deletionTimestamp } = resource.metadata;
  const status = resource.status ?? {};
  const { failure, secret, lastSyncTime, sourceUpdated, conditions = [] } = status;
  const spec = parsed(resource);
  const raw = resource.spec as
    | { vsecmSafeURL?: string; refreshInterval?: string; suspend?: boolean }
    | undefined;
  const suspended = raw?.suspend === true;
  const unseen = (status.observedGeneration ?? -1) < generation;
  const agent = agentSays(asked, namespace, name, raw?.vsecmSafeURL ?? agents.settings.safeUrl);
  const owner = agents.ownerOf(namespace);
  const pod = servingPod(resource, agents);
  const situation = {
    suspended,
    deleting: deletionTimestamp !== undefined,
    unseen,
    failure,
    refreshIntervalMs: spec?.refreshIntervalMs,
    named: `${name} -n ${namespace}`,
  };
  return present({
    namespace,
    name,
    summary: summarise(status, unseen, suspended),
    ready: conditions.some(({ type, status: state }) => type === 'Ready' && state === 'True'),
    suspended,
    conditions,
    failure,
    secret: secret?.name ?? spec?.target.name,
    lastSyncTime,
    sourceUpdated,
    node: status.node,
    owner,
    pod: pod?.pod,
    podReady: pod?.ready,
    safeURL: raw?.vsecmSafeURL,
    refreshInterval: raw?.refreshInterval,
    next: nextStep(situation) + (unseen ? whoIsToLook(agents, owner, namespace) : ''),
    agent,
    problems: [...agents.problems],
  });
}

/** The pod whose agent serves the resource: the owner's, or the one that the status names while the owner is unknown. */
export function servingPod({ metadata, status }: VSecMSecret, agents: Agents) {
  const owner = agents.ownerOf(metadata.namespace);
  return agents.podOn(owner ?? status?.node ?? '') ?? agents.podOn(status?.node ?? '');
}

function agentSays(
  asked: StateResult,
  namespace: string,
  name: string,
  safeUrl: string,
): Explanation['agent'] {
  if ('unreachable' in asked) return { reached: false, why: asked.unreachable };
  const { node, identity, resources, safes } = asked.state;
  const resource = resources.find((one) => one.namespace === namespace && one.name === name);
  const safe = safes.find(({ url }) => sameUrl(url, safeUrl)) ?? (safes.length === 1 ? safes[0] : undefined);
  return present({ reached: true as const, node, identity, resource, safe });
}

function summarise({ conditions, failure }: VSecMSecretStatus, unseen: boolean, suspended: boolean): string {
  const find = (type: Condition['type']) => conditions?.find((one) => one.type === type);
  const ready = find('Ready');
  if (suspended) return 'suspended: the Secret is kept as it is';
  if (ready === undefined) return 'not ready: no agent has said anything about it yet';
  const stale =
    find('Fresh')?.status === 'False' ? ', and its content is older than maxStaleness allows' : '';
  const behind = unseen ? ' (this is about an older version of the resource)' : '';
  if (ready.status === 'True' && failure !== undefined)
    return `ready, but Safe has not confirmed it lately: ${failure.code}${stale}${behind}`;
  if (ready.status === 'True') return `ready${stale}${behind}`;
  return `not ready: ${failure?.code ?? ready.reason}${behind}`;
}

function whoIsToLook(agents: Agents, owner: string | undefined, namespace: string): string {
  if (agents.pods.length === 0 && agents.problems.length === 0)
    return '; but no agent runs: kubectl get pods -n vsecm-agent';
  if (owner === undefined) return '';
  const pod = agents.podOn(owner);
  const state = pod === undefined ? 'has no agent pod' : pod.ready ? 'is ready' : 'is not ready';
  return `; namespace ${namespace} belongs to the agent on ${owner}, which ${state}`;
}

function parsed(resource: VSecMSecret): Spec | undefined {
  try {
    return parseSpec(resource);
  } catch {
    return undefined;
  }
}

const sameUrl = (a: string, b: string): boolean =>
  URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href;

/** Without the members that are undefined. */
function present<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
