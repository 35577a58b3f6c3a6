import type { SafeMeetingState } from '../api/state.ts';
import { when } from './age.ts';
import { pairs, table } from './table.ts';

/** How far a connection came, in order. */
const PHASES = ['lookup', 'connecting', 'handshake', 'waiting'];

/**
 * What came of meeting the Safes, for each agent that could be asked, and what can be done about each failure.
 * @param now Unix milliseconds
 */
export function meetingTable(
  agents: readonly { node: string; safes?: readonly SafeMeetingState[] }[],
  now: number,
): string {
  const rows = agents.flatMap(({ node, safes = [] }) => safes.map((safe) => [node, ...cells(safe, now)]));
  if (rows.length === 0) return '';
  const hints = new Map(
    agents
      .flatMap(({ safes = [] }) => safes)
      .flatMap(({ failure }) => (failure ? [[failure.code, failure.hint] as const] : [])),
  );
  const head = ['NODE', 'SAFE', 'NAME', 'TCP', 'TLS', "SAFE'S ID", 'RESULT', 'BUNDLE'];
  return `\n${table(head, rows)}${hints.size === 0 ? '' : `\n${pairs([...hints])}`}`;
}

function cells(safe: SafeMeetingState, now: number): string[] {
  const { url, reached, peerSpiffeId, failure, trustDomain, bundle } = safe;
  const at = reached === undefined ? -1 : PHASES.indexOf(reached);
  const step = (phase: number): string => (at > phase ? 'ok' : at === phase ? 'failed' : '-');
  const cause = failure?.cause === undefined ? '' : ` (${failure.cause})`;
  return [
    url,
    step(0),
    step(1),
    step(2),
    peerSpiffeId ?? '-',
    failure ? `${failure.code}${cause}` : 'accepted',
    bundle === undefined
      ? `${trustDomain}: none`
      : `${trustDomain}: ${bundle.roots} root${bundle.roots === 1 ? '' : 's'} since ${when(bundle.since, now)}, until ${when(bundle.notAfter, now)}`,
  ];
}
