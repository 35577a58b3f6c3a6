import type { ResourceName } from '../api/state.ts';
import { Agents } from './agents.ts';
import { when } from './age.ts';
import { explain, servingPod, type Explanation } from './explanation.ts';
import { oldPods, type OldPods } from './old-pods.ts';
import { Refused } from './refused.ts';
import { resourceName } from './resource-name.ts';
import type { Command, Session } from './session.ts';
import { stateOf, type StateResult } from './state-source.ts';
import { pairs, table } from './table.ts';
import { json } from './terminal.ts';

/** Tells why a VSecMSecret is as it is. */
export const why: Command = {
  name: 'why',
  synopsis: 'NAME [-n NAMESPACE]',
  summary: 'Why a VSecMSecret is as it is, whose log to read, and what happens next',
  details: `Reads the VSecMSecret, and the agents' pods and EndpointSlices where that is allowed. The agent that serves it is
asked for the latest through a port-forward (RBAC: get and create on pods/portforward in the agents' namespace); where
that does not work, the answer says so and is made from the API objects alone. By hand:
  kubectl port-forward -n vsecm-agent pod/POD 9465 &
  kubectl vsecm why NAME --state-url http://127.0.0.1:9465/state.json
Pods of the namespace that take the Secret by env or subPath, and started before it was last written, are named with the
command that restarts them (RBAC: list on pods). No Secret is read. Exits with 0 if it could tell, whatever it had to tell.`,
  options: {
    'state-url': { type: 'string', placeholder: 'URL', help: "the agent's page, instead of a port-forward" },
  },
  async run(session) {
    const { cluster, namespace, terminal, clock } = session;
    const resource = await cluster.resource(namespace, resourceName(session.args));
    const agents = await Agents.find(cluster);
    const asked = await ask(session, agents, servingPod(resource, agents), resource.metadata);
    const explanation = explain(resource, agents, asked);
    await addOldPods(explanation, session);
    terminal.out(session.json ? json(explanation) : render(explanation, clock.wall()));
    return 0;
  },
};

/** What a pod got by env or subPath stays until its container starts again. */
async function addOldPods(explanation: Explanation, { cluster }: Session): Promise<void> {
  const { namespace, secret, lastSyncTime: writtenAt } = explanation;
  if (secret === undefined || writtenAt === undefined) return;
  try {
    explanation.oldPods = oldPods(await cluster.pods(namespace), { namespace, secret, writtenAt });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    explanation.problems.push(`which pods have an older value: ${error.message}`);
  }
}

async function ask(
  { cluster, options, signal }: Session,
  agents: Agents,
  pod: { pod: string } | undefined,
  { namespace, name }: ResourceName,
): Promise<StateResult> {
  const url = options['state-url'];
  if (typeof url === 'string') return stateOf({ url }, signal, { namespace, name });
  if (pod === undefined) return { unreachable: 'no pod of an agent is known that serves this resource' };
  return stateOf({ cluster, pod: pod.pod, port: agents.settings.pagePort }, signal, { namespace, name });
}

function render(explanation: Explanation, now: number): string {
  const { namespace, name, summary, failure, secret, lastSyncTime, sourceUpdated, next, agent } = explanation;
  const since = explanation.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  const lines: [string, string | undefined][] = [
    [`${namespace}/${name}`, summary],
    ['cause', failure && `${failure.message} (stage ${failure.stage})`],
    ['since', failure ? when(failure.since, now) : since && when(since, now)],
    ['hint', failure?.hint],
    ['next', nextAsTold(agent, now) ?? next],
    [
      'Secret',
      secret && `${secret}, ${lastSyncTime ? `last written ${when(lastSyncTime, now)}` : 'not written yet'}`,
    ],
    ...(explanation.oldPods ?? []).map((old): [string, string] => ['older value', oldText(old)]),
    ['in Safe', sourceUpdated && `last changed ${when(sourceUpdated, now)}`],
    ['agent', whoServes(explanation)],
    ...agentLines(agent, now, failure?.code),
    ...explanation.problems.map((problem): [string, string] => ['unknown', problem]),
  ];
  const known = lines.filter((line): line is [string, string] => !!line[1]);
  const refs = agent.reached ? (agent.resource?.refs ?? []) : [];
  const rows = refs.map(({ where, ref, code }) => [where, ref, code]);
  return pairs(known) + (rows.length === 0 ? '' : `\n${table(['WHERE', 'REF', 'FAILURE'], rows)}`);
}

/** Names of pods in one line. */
const MOST_PODS = 5;

function oldText({ workload, pods, command }: OldPods): string {
  const shown = pods.slice(0, MOST_PODS).join(', ');
  const more = pods.length > MOST_PODS ? ` and ${pods.length - MOST_PODS} more` : '';
  const of = workload.startsWith('pod/') ? '' : ` of ${workload}`;
  return `${shown}${more}${of} started before that: ${command}`;
}

function whoServes({ node, owner, pod, podReady }: Explanation): string {
  const where = owner ?? node;
  if (where === undefined) return 'not known';
  const moved =
    owner !== undefined && node !== undefined && owner !== node ? `; before, ${node} served it` : '';
  const ready = podReady === false ? ', not ready' : '';
  return `${where}${pod === undefined ? '' : ` (pod ${pod}${ready})`}${moved}`;
}

/** The moment, where the agent told it. */
function nextAsTold(agent: Explanation['agent'], now: number): string | undefined {
  if (!agent.reached || agent.resource === undefined) return undefined;
  const { resource, safe } = agent;
  if (resource.state === 'suspended') return undefined;
  const { nextLook } = resource;
  if (nextLook !== undefined)
    return `the agent looks again ${Date.parse(nextLook) > now ? when(nextLook, now) : 'now'}`;
  return safe?.failure && `Safe is asked again ${when(safe.failure.nextRetry, now)}`;
}

/** @param told the code of the status */
function agentLines(
  agent: Explanation['agent'],
  now: number,
  told: string | undefined,
): [string, string | undefined][] {
  if (!agent.reached) return [['its page', `not reached: ${agent.why}`]];
  const { node, identity, resource, safe } = agent;
  const { spiffeId, notAfter, failure } = identity;
  return [
    ['its page', resource === undefined ? `the agent on ${node} does not serve this resource` : undefined],
    [
      'identity',
      failure?.code ?? (spiffeId && `${spiffeId}${notAfter ? `, expires ${when(notAfter, now)}` : ''}`),
    ],
    ['Safe', safe && aboutSafe(safe, now)],
    [
      'now',
      resource?.code && resource.code !== told ? `${resource.code}: ${resource.message ?? ''}` : undefined,
    ],
  ];
}

function aboutSafe(
  {
    url,
    lastSuccess,
    secrets,
    named,
    failure,
  }: NonNullable<(Explanation['agent'] & { reached: true })['safe']>,
  now: number,
): string {
  const last = lastSuccess === undefined ? 'has not answered yet' : `last answered ${when(lastSuccess, now)}`;
  const held = secrets === undefined || lastSuccess === undefined ? '' : ` with ${secrets} secrets`;
  const unnamed = named === false ? ', unnamed' : '';
  const cause = failure?.cause === undefined ? '' : ` (${failure.cause})`;
  const trouble =
    failure &&
    `; ${failure.code}${cause} since ${when(failure.since, now)}, ${failure.attempts} attempts, next ${when(failure.nextRetry, now)}`;
  return `${url} ${last}${held}${unnamed}${trouble ?? ''}`;
}
