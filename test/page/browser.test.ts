import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { AgentState } from '../../agent/api/state.ts';
import { systemClock } from '../../agent/clock.ts';
import { PageServer } from '../../agent/page/server.ts';
import { agentState, failing, resource } from './agent-state.ts';
import { BROWSER, launch } from './browser.ts';

const skip = BROWSER === undefined ? 'there is no Chromium (Debian: apt-get install chromium)' : false;

let browser: Browser;
let server: PageServer;
let port: number;
let state: AgentState;

before(async () => {
  if (skip) return;
  browser = await launch();
  server = new PageServer({
    clock: systemClock,
    meetings: async () => [],
    port: 0,
    state: async () => state,
  });
  port = await server.listen();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The page as somebody sees it who opens it, and what went wrong in it. */
async function open(
  options: { colorScheme?: 'light' | 'dark' } = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage(options);
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`http://localhost:${port}/`);
  return { page, problems };
}

test(
  'the page shows trouble first, runs without a complaint, and follows what changes',
  { skip },
  async () => {
    state = agentState({ resources: [resource('fine'), failing('broken', '2026-01-01T00:00:00Z')] });
    const { page, problems } = await open();
    assert.equal(await page.title(), 'VSecM agent on node-1');
    assert.deepEqual(await page.locator('tbody th').allTextContents(), ['shop/broken', 'shop/fine']);
    assert.equal(
      await page.locator('tr', { hasText: 'shop/broken' }).locator('td').first().textContent(),
      'failing',
    );

    state = agentState({ resources: [resource('fine'), resource('broken')] });
    await page.getByRole('row', { name: /shop\/broken synced/ }).waitFor();
    assert.equal(await page.getByText('RefNotFound').count(), 0);
    assert.deepEqual(problems, []);
    await page.close();
  },
);

test('an agent that goes away is said to be away, and what was last seen stays', { skip }, async () => {
  state = agentState({ resources: [resource('fine')] });
  const { page } = await open();
  await server.close();
  const status = page.getByRole('status');
  await status.filter({ hasText: 'The agent does not answer' }).waitFor();
  assert.equal(await page.getByRole('rowheader', { name: 'shop/fine' }).count(), 1);
  server = new PageServer({ clock: systemClock, meetings: async () => [], port, state: async () => state });
  await server.listen();
  await status.filter({ hasText: /^$/ }).waitFor({ state: 'attached' });
  await page.close();
});

test('text that somebody marks stays marked', { skip }, async () => {
  state = agentState({ resources: [failing('broken', '2026-01-01T00:00:00Z')] });
  const { page } = await open();
  await page.locator('tbody .quiet').first().selectText();
  state = agentState({ resources: [resource('broken')] });
  await page.waitForResponse((response) => response.url().endsWith('/'));
  await page.waitForResponse((response) => response.url().endsWith('/'));
  assert.equal(await page.evaluate('document.getSelection().toString().startsWith("Register it")'), true);
  await page.evaluate('document.getSelection().removeAllRanges()');
  await page.getByRole('row', { name: /shop\/broken synced/ }).waitFor();
  await page.close();
});

for (const colorScheme of ['light', 'dark'] as const)
  test(`every text can be read on ${colorScheme} ground`, { skip }, async () => {
    const failure = {
      code: 'SafeUnreachable',
      since: '2026-01-01T00:00:00Z',
      attempts: 3,
      nextRetry: '2026-01-01T00:00:09Z',
      cause: 'ECONNREFUSED',
      hint: 'kubectl get pods -n vsecm-system',
    } as const;
    state = agentState({
      safes: [...agentState().safes, { url: 'https://other.example', groups: [], failure }],
      resources: [
        failing('broken', '2026-01-01T00:00:00Z'),
        resource('waits', { state: 'waiting' }),
        resource('rests', { state: 'suspended' }),
        resource('fine'),
      ],
    });
    const { page } = await open({ colorScheme });
    const contrasts = (await page.evaluate(CONTRASTS)) as { text: string; ratio: number }[];
    assert.ok(contrasts.length > 30);
    // WCAG 2 asks for 4.5 for text of this size.
    assert.deepEqual(
      contrasts.filter(({ ratio }) => ratio < 4.5),
      [],
    );
    await page.close();
  });

test('names that are long do not push the page out of a small window', { skip }, async () => {
  const long = 'x'.repeat(253);
  state = agentState({ node: long, resources: [failing(long, '2026-01-01T00:00:00Z')] });
  const { page } = await open();
  await page.setViewportSize({ width: 400, height: 800 });
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= 400'), true);
  await page.close();
});

test('a page of another origin cannot read the state', { skip }, async () => {
  state = agentState();
  const { page } = await open();
  const other = new PageServer({
    clock: systemClock,
    meetings: async () => [],
    port: 0,
    state: async () => state,
  });
  const origin = `http://127.0.0.1:${await other.listen()}`;
  const stranger = await browser.newPage();
  await stranger.goto(`${origin}/`);
  const read = (await stranger.evaluate(
    `fetch('http://localhost:${port}/state.json').then((r) => r.text(), () => 'refused')`,
  )) as string;
  assert.equal(read, 'refused');
  await Promise.all([page.close(), stranger.close(), other.close()]);
});

/** The contrast of each element's text with what lies behind it, as WCAG 2 computes it. */
const CONTRASTS = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const light = (colour) => { const [r, g, b] = [...rgb(colour)].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (element) => { const colour = getComputedStyle(element).backgroundColor; return rgb(colour)[3] > 0 || !element.parentElement ? colour : behind(element.parentElement); };
  return [...document.querySelectorAll('main *, #live')].filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')).map((element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    return { text: element.textContent.slice(0, 40), ratio: (a + 0.05) / (b + 0.05) };
  });
})()`;
