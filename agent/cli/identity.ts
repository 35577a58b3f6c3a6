import type { AgentState, SafeMeetingState } from '../api/state.ts';
import { Agents, type AgentPod } from './agents.ts';
import { when } from './age.ts';
import { parseLine } from './log-line.ts';
import { Refused } from './refused.ts';
import type { Command, Session } from './session.ts';
import { meetingTable } from './meetings.ts';
import { meetingsOf, stateOf, type PageSource } from './state-source.ts';
import { table } from './table.ts';
import { json } from './terminal.ts';

/** One agent's identity and where it was read. */
interface IdentityRow {
  node: string;
  pod: string;
  ready: boolean;
  spiffeId?: string;
  /** RFC 3339. */
  notAfter?: string;
  /** Why there is no identity. */
  failure?: string;
  source: 'page' | 'log' | 'none';
  /** What came of meeting each Safe, if the agent could be asked for it. */
  safes?: SafeMeetingState[];
  /** Why there is nothing better. */
  problems: string[];
}

const MOST_LINES = 10_000;
const AT_A_TIME = 8;

/** Shows the SPIFFE ID of each agent, and has it meet each Safe. */
export const identity: Command = {
  name: 'identity',
  synopsis: '',
  summary: "Each agent's SPIFFE ID, and whether it can meet each Safe",
  details: `Each agent's page is asked through a port-forward (RBAC: get and create on pods/portforward in the agents' namespace);
where that does not work, its log is read (get on pods/log), which tells each identity once. Each agent whose page can be
asked meets each Safe that resources may name: name, TCP, TLS, both SPIFFE IDs, and asks it nothing. Exits with 1 if an
agent has no identity that is known, or cannot meet a Safe.`,
  options: {
    'state-url': { type: 'string', placeholder: 'URL', help: 'the page of one agent, instead of all' },
  },
  async run(session) {
    const { cluster, options, terminal, clock } = session;
    const url = options['state-url'];
    const agents = typeof url === 'string' ? undefined : await Agents.find(cluster);
    const rows =
      agents === undefined ? [await rowOfUrl(url as string, session)] : await rowsOf(agents, session);
    if (session.json) terminal.out(json(rows));
    else if (rows.length > 0) terminal.out(render(rows, clock.wall()) + meetingTable(rows, clock.wall()));
    if (agents?.pods.length === 0) terminal.say('error: no agent is known\n');
    const problems = new Set([...(agents?.problems ?? []), ...rows.flatMap((row) => row.problems)]);
    for (const problem of session.json ? [] : problems) terminal.say(`not known: ${problem}\n`);
    const well = ({ spiffeId, safes = [] }: IdentityRow): boolean =>
      spiffeId !== undefined && safes.every(({ failure }) => failure === undefined);
    return rows.length > 0 && rows.every(well) ? 0 : 1;
  },
};

async function rowOfUrl(url: string, { signal }: Session): Promise<IdentityRow> {
  const asked = await stateOf({ url }, signal);
  if ('state' in asked) {
    const { node, pod } = asked.state;
    return { node, pod, ready: true, ...told(asked.state), ...(await met({ url }, signal)) };
  }
  return { node: '', pod: '', ready: false, source: 'none', problems: [asked.unreachable] };
}

async function rowsOf(agents: Agents, session: Session): Promise<IdentityRow[]> {
  const rows: IdentityRow[] = [];
  for (let begin = 0; begin < agents.pods.length; begin += AT_A_TIME) {
    const some = agents.pods.slice(begin, begin + AT_A_TIME);
    rows.push(...(await Promise.all(some.map((pod) => rowOf(pod, agents.settings.pagePort, session)))));
  }
  return rows;
}

async function rowOf(pod: AgentPod, port: number, session: Session): Promise<IdentityRow> {
  const { cluster, signal } = session;
  const page = { cluster, pod: pod.pod, port };
  const asked = await stateOf(page, signal);
  if ('state' in asked) return { ...pod, ...told(asked.state), ...(await met(page, signal)) };
  const logged = await lastLogged(pod.pod, session);
  const problems = [asked.unreachable, ...('problem' in logged ? [logged.problem] : [])];
  if ('problem' in logged) return { ...pod, source: 'none', problems };
  return { ...pod, ...logged, source: 'log', problems };
}

function told({ identity: { spiffeId, notAfter, failure } }: AgentState) {
  return {
    source: 'page' as const,
    problems: [],
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(failure === undefined ? {} : { failure: failure.code }),
  };
}

/** What comes of meeting the Safes; an agent of an older version cannot be asked. */
async function met(page: PageSource, signal: AbortSignal): Promise<Pick<IdentityRow, 'safes'>> {
  const asked = await meetingsOf(page, signal);
  return 'told' in asked ? { safes: asked.told } : {};
}

/** The last identity, or lack of one, that the log tells. */
async function lastLogged(
  pod: string,
  { cluster, signal }: Session,
): Promise<Pick<IdentityRow, 'spiffeId' | 'notAfter' | 'failure'> | { problem: string }> {
  let last: Pick<IdentityRow, 'spiffeId' | 'notAfter' | 'failure'> | undefined;
  try {
    for await (const text of cluster.podLog(pod, { follow: false, signal, tailLines: MOST_LINES })) {
      const { stage, code, spiffeID, notAfter } = parseLine(text) ?? {};
      if (stage === 'identity' && typeof code === 'string') last = { failure: code };
      else if (typeof spiffeID === 'string' && typeof notAfter === 'string')
        last = { spiffeId: spiffeID, notAfter };
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { problem: error.message };
  }
  return last ?? { problem: `the log of pod ${pod} tells of no identity` };
}

function render(rows: readonly IdentityRow[], now: number): string {
  return table(
    ['NODE', 'POD', 'READY', 'SPIFFE ID', 'EXPIRES', 'FROM'],
    rows.map(({ node, pod, ready, spiffeId, notAfter, failure, source }) => [
      node,
      pod,
      ready ? 'yes' : 'no',
      spiffeId ?? failure ?? '(not known)',
      notAfter === undefined ? '' : when(notAfter, now),
      source,
    ]),
  );
}
