import type { AgentState } from '../api/state.ts';
import { Agents, type AgentPod } from './agents.ts';
import { when } from './age.ts';
import { parseLine } from './log-line.ts';
import { Refused } from './refused.ts';
import type { Command, Session } from './session.ts';
import { stateOfPod, stateOfUrl } from './state-source.ts';
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
  /** Why there is nothing better. */
  problems: string[];
}

const MOST_LINES = 10_000;
const AT_A_TIME = 8;

/** Shows the SPIFFE ID of each agent. */
export const identity: Command = {
  name: 'identity',
  synopsis: '',
  summary: "Each agent's SPIFFE ID and when it expires",
  details: `Each agent's page is asked through a port-forward (RBAC: get and create on pods/portforward in the agents' namespace);
where that does not work, its log is read (get on pods/log), which tells each identity once. Exits with 1 if one has none
that is known.`,
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
    else if (rows.length > 0) terminal.out(render(rows, clock.wall()));
    if (agents?.pods.length === 0) terminal.say('error: no agent is known\n');
    const problems = new Set([...(agents?.problems ?? []), ...rows.flatMap((row) => row.problems)]);
    for (const problem of session.json ? [] : problems) terminal.say(`not known: ${problem}\n`);
    return rows.length > 0 && rows.every(({ spiffeId }) => spiffeId !== undefined) ? 0 : 1;
  },
};

async function rowOfUrl(url: string, { signal }: Session): Promise<IdentityRow> {
  const asked = await stateOfUrl(url, signal);
  if ('state' in asked) return { ...asked.state, ready: true, ...told(asked.state) };
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
  const asked = await stateOfPod(session.cluster, pod, port, session.signal);
  if ('state' in asked) return { ...pod, ...told(asked.state) };
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
