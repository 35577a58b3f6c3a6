import type { AgentState, ResourceState } from '../api/state.ts';
import { html, type Html } from './html.ts';
import { time } from './time.ts';

const ORDER: readonly ResourceState['state'][] = ['failing', 'waiting', 'suspended', 'synced'];

/** One table of resources: those in trouble first, in it the oldest trouble first. */
export function resourceTable({ resources, counts }: Pick<AgentState, 'resources' | 'counts'>): Html {
  if (resources.length === 0) return html`<p>This agent serves no VSecMSecret.</p>`;
  const rows = resources.toSorted(byTrouble);
  const all = ORDER.map(
    (state) => [state, counts?.[state] ?? resources.filter((one) => one.state === state).length] as const,
  );
  const left = all.reduce((sum, [, count]) => sum + count, -rows.length);
  const told = all.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Resources">
    <table>
      <caption>
        ${told.join(', ')}.
        ${left > 0 ? `${rows.length} are shown; of any other tells /state.json?namespace=…&name=…` : ''}
      </caption>
      <thead>
        <tr>
          <th scope="col">VSecMSecret</th>
          <th scope="col">State</th>
          <th scope="col">What is wrong, and what to do</th>
          <th scope="col">Secret</th>
          <th scope="col">Last write</th>
          <th scope="col">Next look</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(row)}
      </tbody>
    </table>
  </div>`;
}

function row({
  namespace,
  name,
  secret,
  state,
  code,
  message,
  hint,
  since,
  lastWrite,
  nextLook,
}: ResourceState): Html {
  return html`<tr>
    <th scope="row">${namespace}/${name}</th>
    <td class="${state} word">${state}</td>
    <td>
      ${
        code === undefined
          ? undefined
          : html`<span class="bad word">${code}</span
              >${since === undefined ? undefined : html` since ${time(since)}`}<br />
              ${message}<br /><span class="quiet">${hint}</span>`
      }
    </td>
    <td>${secret}</td>
    <td>${lastWrite && time(lastWrite)}</td>
    <td>${nextLook && time(nextLook)}</td>
  </tr> `;
}

function byTrouble(a: ResourceState, b: ResourceState): number {
  return (
    ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
    compare(a.since ?? '', b.since ?? '') ||
    compare(a.namespace, b.namespace) ||
    compare(a.name, b.name)
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
