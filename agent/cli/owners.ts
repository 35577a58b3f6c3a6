import type { VSecMSecret } from '../api/vsecmsecret.ts';
import { Agents } from './agents.ts';
import type { Command } from './session.ts';
import { table } from './table.ts';
import { json } from './terminal.ts';

interface NodeRow {
  node: string;
  pod?: string;
  ready: boolean;
  role: string;
  namespaces: string[];
  resources: number;
  notReady: number;
}

/** What `-o json` prints. */
export interface OwnersReport {
  /** Each agent serves all namespaces. */
  alone: boolean;
  members: readonly string[];
  nodes: NodeRow[];
  namespaces: { namespace: string; owner?: string; resources: number; servedBy: string[] }[];
  /** Of namespaces over the owners. */
  balance?: { average: number; most: number };
  problems: readonly string[];
}

/** Shows which agent owns which namespaces. */
export const owners: Command = {
  name: 'owners',
  synopsis: '[-n NAMESPACE]',
  summary: 'Which agent owns which namespaces, and how even that is',
  details: `The owner of a namespace is computed as the agents do it, from the EndpointSlices of their Service; SERVED BY is the
node that the status of the namespace's VSecMSecrets names. They differ while a namespace moves: an agent that went away
keeps its namespaces for half a minute. With -n only that namespace is shown, also if it holds no VSecMSecret.`,
  options: {},
  async run({ cluster, namespace, namespaceGiven, terminal, json: asJson }) {
    const agents = await Agents.find(cluster);
    const only = namespaceGiven ? namespace : undefined;
    const { items } = await cluster.resources(only);
    const report = reportOf(agents, items, only);
    terminal.out(asJson ? json(report) : render(report));
    for (const problem of asJson ? [] : agents.problems) terminal.say(`not known: ${problem}\n`);
    return agents.pods.length === 0 && agents.problems.length > 0 ? 1 : 0;
  },
};

function reportOf(agents: Agents, resources: readonly VSecMSecret[], only: string | undefined): OwnersReport {
  const byNamespace = Map.groupBy(resources, ({ metadata }) => metadata.namespace);
  if (only !== undefined && !byNamespace.has(only)) byNamespace.set(only, []);
  const namespaces = [...byNamespace]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, items]) => {
      const owner = agents.ownerOf(namespace);
      const servedBy = [
        ...new Set(items.map(({ status }) => status?.node).filter((node) => node !== undefined)),
      ];
      return { namespace, ...(owner === undefined ? {} : { owner }), resources: items.length, servedBy };
    });
  const names = new Set([...agents.pods.map(({ node }) => node), ...agents.members]);
  const nodes = [...names].toSorted().map((node): NodeRow => {
    const pod = agents.podOn(node);
    const own = namespaces.filter(({ owner }) => owner === node).map(({ namespace }) => namespace);
    const served = own.flatMap((namespace) => byNamespace.get(namespace) ?? []);
    return {
      node,
      ...(pod === undefined ? {} : { pod: pod.pod }),
      ready: pod?.ready ?? false,
      role: agents.roleOf(node) ?? 'no member',
      namespaces: own,
      resources: served.length,
      notReady: served.filter((resource) => !isReady(resource)).length,
    };
  });
  const counts = nodes.filter(({ role }) => role === 'owner').map((node) => node.namespaces.length);
  const most = Math.max(0, ...counts);
  const average = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return {
    alone: agents.alone,
    members: agents.members,
    nodes,
    namespaces,
    ...(most > 0 && !agents.alone && only === undefined ? { balance: { average, most } } : {}),
    problems: agents.problems,
  };
}

function render({ alone, nodes, namespaces, balance }: OwnersReport): string {
  const byNode = nodes.map(({ node, pod = '', ready, role, namespaces: own, resources, notReady }) => [
    node,
    pod,
    ready ? 'yes' : 'no',
    role,
    String(own.length),
    String(resources),
    String(notReady),
  ]);
  const head = ['NODE', 'POD', 'READY', 'ROLE', 'NAMESPACES', 'RESOURCES', 'NOT READY'];
  const parts = [nodes.length === 0 ? 'No agent is known.\n' : table(head, byNode)];
  if (alone && nodes.length > 1)
    parts.push('Each agent serves all namespaces, so they do the same work: VSECM_AGENT_SERVICE is empty.\n');
  if (balance !== undefined) {
    const { average, most } = balance;
    parts.push(
      `Namespaces per owner: ${average.toFixed(1)} on average, ${most} at most (${(most / average).toFixed(2)} times the average).\n`,
    );
  }
  const rows = namespaces.map(({ namespace, owner, resources, servedBy }) => [
    namespace,
    owner ?? '(not known)',
    String(resources),
    servedBy.join(','),
  ]);
  if (rows.length > 0) parts.push(`\n${table(['NAMESPACE', 'OWNER', 'RESOURCES', 'SERVED BY'], rows)}`);
  return parts.join('');
}

const isReady = ({ status }: VSecMSecret): boolean =>
  status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true;
