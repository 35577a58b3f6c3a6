import type { RefState, ResourceState } from '../api/state.ts';
import { html, type Html } from './html.ts';
import { time } from './time.ts';

/** More rows than anybody reads, and as many as a browser draws again every two seconds. */
const MOST_ROWS = 1_000;
const ORDER: readonly ResourceState['state'][] = ['failing', 'waiting', 'suspended', 'synced'];

/** One table of all resources: those in trouble first, in it the oldest trouble first. */
export function resourceTable(resources: readonly ResourceState[]): Html {
  if (resources.length === 0) return html`<p>This agent serves no VSecMSecret.</p>`;
  const rows = resources.toSorted(byTrouble).slice(0, MOST_ROWS);
  const left = resources.length - rows.length;
  const counts = ORDER.map((state) => [state, resources.filter((one) => one.state === state).length] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Resources">
    <table>
      <caption>
        ${counts.join(', ')}. ${left > 0 ? `The first ${MOST_ROWS}; ${left} more are in /state.json.` : ''}
      </caption>
      <thead>
        <tr>
          <th scope="col">VSecMSecret</th>
          <th scope="col">State</th>
          <th scope="col">What is wrong, and what to do</th>
          <th scope="col">Secret</th>
          <th scope="col">Refs</th>
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
  refs,
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
    <td>${refList(refs)}</td>
    <td>${lastWrite && time(lastWrite)}</td>
    <td>${nextLook && time(nextLook)}</td>
  </tr> `;
}

function refList(refs: readonly RefState[]): Html | undefined {
  const bad = refs.filter(({ state }) => state !== 'ok');
  const all = html`<span class="quiet">${refs.length - bad.length} of ${refs.length} found</span>`;
  if (refs.length === 0) return undefined;
  if (bad.length === 0) return all;
  return html`${all}
    <ul>
      ${bad.map(
        ({ key, ref, state }) =>
          html`<li>${key === '' ? '' : `${key}: `}<code>${ref}</code> <span class="bad">${state}</span></li>`,
      )}
    </ul>`;
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
