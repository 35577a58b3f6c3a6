import type { AgentState, DeclaredSafeState, SafeState } from '../api/state.ts';
import { html, Html } from './html.ts';
import { resourceTable } from './resource-table.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { time } from './time.ts';

/** The node's page: who this agent is, its Safes, and its resources, those in trouble first. */
export function renderPage(state: AgentState, nonce: string): string {
  const { node, safes, declared = [] } = state;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>VSecM agent on ${node}</title>
        <link rel="icon" href="data:," />
        <style nonce="${nonce}">
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <p id="live" role="status"></p>
        <main>
          <h1>VSecM agent on <code>${node}</code></h1>
          ${about(state)}
          <h2>Safes</h2>
          ${safes.length === 0 ? html`<p>No resource of this agent uses one.</p>` : safes.map((one) => safe(one, declared))}
          <h2>Resources</h2>
          ${resourceTable(state)}
        </main>
        <script nonce="${nonce}">
          ${new Html(SCRIPT)};
        </script>
      </body>
    </html> `.text;
}

function about({ pod, version, startedAt, identity, ownership }: AgentState): Html {
  const { spiffeId, notAfter, failure } = identity;
  const { role, members, owners, present, namespaces } = ownership;
  const held = spiffeId === undefined ? undefined : html`<code>${spiffeId}</code>`;
  return html`<dl>
    <dt>Pod</dt>
    <dd><code>${pod}</code>, version ${version}, since ${time(startedAt)}</dd>
    <dt>Identity</dt>
    <dd>
      ${held}
      ${notAfter === undefined ? undefined : html`until ${time(notAfter)}`}${
        failure && html`<span class="bad word">none: ${failure.code}</span> ${cause(failure.cause)}`
      }
    </dd>
    <dt>Role</dt>
    <dd>
      ${role ?? 'not known yet'}${
        present ? undefined : html`, <span class="bad word">not among the Service’s endpoints</span>`
      };
      owns ${plural(namespaces, 'namespace')} with resources
    </dd>
    <dt>Owners</dt>
    <dd>${owners.join(', ')} <span class="quiet">(of ${plural(members.length, 'agent')})</span></dd>
  </dl>`;
}

const cause = (code: string | undefined): Html | undefined =>
  code === undefined ? undefined : html`<span class="quiet">(${code})</span>`;

function safe(
  { url, failure, lastSuccess, answerAgeSeconds, secrets, named, groups }: SafeState,
  declared: readonly DeclaredSafeState[],
): Html {
  return html`<dl>
    <dt>URL</dt>
    <dd><code>${url}</code></dd>
    ${trust(declared.find((one) => one.url === url))}
    <dt>State</dt>
    <dd>
      ${
        failure
          ? html`<span class="bad word">${failure.code}</span> ${cause(failure.cause)} since
              ${time(failure.since)}, ${plural(failure.attempts, 'failed attempt')}, next one at
              ${time(failure.nextRetry)}. ${failure.hint}`
          : lastSuccess === undefined
            ? html`<span class="waiting word">not asked yet</span>`
            : html`<span class="good word">answers</span>`
      }
    </dd>
    <dt>Last answer</dt>
    <dd>
      ${lastSuccess === undefined ? 'none' : time(lastSuccess)}${
        secrets === undefined || lastSuccess === undefined
          ? undefined
          : named === true
            ? html`, ${plural(secrets, 'secret')}`
            : html`, one bare value without a name`
      }${answerAgeSeconds === undefined && lastSuccess !== undefined ? ', no longer in memory' : undefined}
    </dd>
    <dt>Refresh</dt>
    <dd>
      ${groups.map(
        ({ intervalSeconds, members, nextDue }, index) =>
          html`${index > 0 ? '; ' : ''}every ${seconds(intervalSeconds)}:
          ${plural(members, 'resource')}${nextDue === undefined ? undefined : html`, next at ${time(nextDue)}`}`,
      )}${groups.length === 0 ? 'only when a resource changes' : undefined}
    </dd>
  </dl>`;
}

function trust(declared: DeclaredSafeState | undefined): Html | undefined {
  if (declared === undefined) return undefined;
  const { trustDomain, bundle } = declared;
  return html`<dt>Trust</dt>
    <dd>
      <code>${trustDomain}</code>,
      ${
        bundle === undefined
          ? html`<span class="bad word">no bundle</span>`
          : html`${plural(bundle.roots, 'root')} since ${time(bundle.since)}, until ${time(bundle.notAfter)}`
      }
    </dd>`;
}

const plural = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/** As people write intervals. */
function seconds(all: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  const [size, unit] = units.find(([size]) => all >= size && all % size === 0) ?? [1, 's'];
  return `${all / size} ${unit}`;
}
