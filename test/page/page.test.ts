import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from '../../agent/page/html.ts';
import { renderPage } from '../../agent/page/page.ts';
import { agentState, failing, resource } from './agent-state.ts';

const render = (more: Parameters<typeof agentState>[0] = {}): string => renderPage(agentState(more), 'NONCE');
const rows = (page: string): string[] =>
  [...page.matchAll(/<th scope="row">([^<]*)/g)].map(([, name = '']) => name);

test('what is put into HTML is escaped, and shows characters that would show something else', () => {
  assert.equal(
    html`<b title="${`"'`}">${'<script>&'}</b>`.text,
    '<b title="&quot;&#39;">&lt;script&gt;&amp;</b>',
  );
  assert.equal(html`${'a\nb\u202ec'}`.text, 'a\\u000ab\\u202ec');
  assert.equal(html`${undefined}${0}${html`<i></i>`}${[html`1`, html`2`]}`.text, '0<i></i>12');
});

test('names of people’s choosing cannot become markup anywhere on the page', () => {
  const evil = '<img src=x onerror=alert(1)>';
  const state = agentState({
    node: evil,
    pod: evil,
    version: evil,
    identity: { failure: { code: evil as never, cause: evil } },
    ownership: { role: evil, members: [evil], owners: [evil], present: false, namespaces: 1 },
    safes: [
      {
        url: evil,
        groups: [],
        failure: { code: evil as never, since: evil, attempts: 1, nextRetry: evil, cause: evil, hint: evil },
      },
    ],
    resources: [
      {
        namespace: evil,
        name: evil,
        secret: evil,
        state: 'failing',
        code: evil as never,
        message: evil,
        hint: evil,
        since: evil,
        nextLook: evil,
        lastWrite: evil,
        refs: [],
      },
    ],
  });
  const page = renderPage(state, 'NONCE');
  assert.doesNotMatch(page, /<img/);
  assert.ok(page.split('&lt;img').length > 20);
});

test('trouble comes first, the oldest of it before the rest, then what waits or is suspended, then what is well', () => {
  const resources = [
    resource('well-b'),
    resource('well-a'),
    resource('waits', { state: 'waiting' }),
    resource('rests', { state: 'suspended' }),
    failing('young', '2026-01-02T00:00:00Z'),
    failing('old', '2026-01-01T00:00:00Z'),
  ];
  assert.deepEqual(rows(render({ resources })), [
    'shop/old',
    'shop/young',
    'shop/waits',
    'shop/rests',
    'shop/well-a',
    'shop/well-b',
  ]);
});

test('a failing resource shows code, since when, message and hint', () => {
  const page = render({ resources: [failing('db', '2026-01-01T00:00:00Z')] });
  for (const text of [
    'RefNotFound',
    'datetime="2026-01-01T00:00:00Z"',
    'holds nothing at this path',
    'Register it: safe -w raw:db',
  ])
    assert.ok(page.includes(text), text);
});

test('a failing Safe shows why, since when, how often and when it is asked next', () => {
  const failure = {
    code: 'SafeUnreachable',
    since: '2026-01-01T00:00:00.000Z',
    attempts: 7,
    nextRetry: '2026-01-01T00:05:00.000Z',
    cause: 'ECONNREFUSED',
    hint: 'kubectl get pods',
  } as const;
  const page = render({ safes: [{ url: 'https://safe.example', groups: [], failure }] });
  for (const text of [
    'SafeUnreachable',
    'ECONNREFUSED',
    '7 failed attempts',
    '00:05:00 UTC',
    'kubectl get pods',
  ])
    assert.ok(page.includes(text), text);
});

test('an agent without identity, and one that is in no slice, say so', () => {
  const page = render({
    identity: { failure: { code: 'NoIdentity', cause: 'permission_denied' } },
    ownership: { members: [], owners: [], present: false, namespaces: 0 },
  });
  assert.match(page, /none: NoIdentity/);
  assert.match(page, /not among the Service’s endpoints/);
  assert.match(page, /not known yet/);
});

test('of more resources than a page can show the number of all is told, and how to ask for another', () => {
  const resources = [resource('well'), failing('bad', '2026-01-01T00:00:00Z')];
  const page = render({ resources, counts: { failing: 1, waiting: 0, suspended: 0, synced: 1003 } });
  assert.deepEqual(rows(page), ['shop/bad', 'shop/well']);
  assert.match(page, /1 failing, 1003 synced\.\s+2 are shown; .*\/state\.json\?namespace=…&amp;name=…/);
});

test('an agent without resources says so', () => {
  const page = render({ safes: [], resources: [] });
  assert.match(page, /serves no VSecMSecret/);
  assert.doesNotMatch(page, /<table/);
});
