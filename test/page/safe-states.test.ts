import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderPage } from '../../agent/page/page.ts';
import { agentState } from './agent-state.ts';

test('a Safe is shown with the trust domain whose bundle verifies it, and one without bundle as that', () => {
  const [safe] = agentState().safes;
  const at = (url: string) => ({ ...safe!, url });
  const page = renderPage(
    agentState({
      safes: [at('https://safe.example'), at('https://safe.b.example')],
      declared: [
        {
          url: 'https://safe.example',
          dial: 'https://safe.example/workload/v1/secrets',
          trustDomain: 'vsecm.com',
          bundle: { roots: 2, since: '2026-01-01T00:00:00.000Z', notAfter: '2026-01-02T00:00:00.000Z' },
        },
        {
          url: 'https://safe.b.example',
          dial: 'https://safe.b.example/workload/v1/secrets',
          trustDomain: 'b.example',
        },
      ],
    }),
    'nonce',
  ).replaceAll(/\s+/g, ' ');
  assert.match(page, /<code>vsecm\.com<\/code>, 2 roots since .*2026-01-01.*, until .*2026-01-02/);
  assert.match(page, /<code>b\.example<\/code>, <span class="bad word">no bundle<\/span>/);
});

test('a state of an agent that does not tell of it is shown as ever', () => {
  assert.doesNotMatch(renderPage(agentState(), 'nonce'), /<dt>Trust<\/dt>/);
});
