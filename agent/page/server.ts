import { randomBytes } from 'node:crypto';
import type { AgentState, ResourceName, SafeMeetingState } from '../api/state.ts';
import type { Clock } from '../clock.ts';
import { Door, type Question, type Reply } from '../door.ts';
import { renderPage } from './page.ts';

export interface PageServerOptions {
  /** TCP port on the loopback addresses; 0: any that is free. */
  port: number;
  /** What is shown: of all resources, or of one. */
  state: (one?: ResourceName) => Promise<AgentState>;
  /** Meets each Safe that resources may name. */
  meetings: () => Promise<SafeMeetingState[]>;
  clock: Clock;
}

/** Some open pages and somebody who asks `why`; an answer is at most some MiB. */
const CONNECTIONS = 8;

/**
 * A web page that somebody opens may make their browser send requests to a forwarded port, under a name of its
 * own choosing that resolves to 127.0.0.1. Such a name is what the request's Host then says.
 */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$/i;
/** What browsers say of requests that no other site is behind: by the page itself, or typed by its user. */
const OWN_SITE = ['same-origin', 'none'];

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/**
 * The node's page at `/`, what it is made from at `/state.json`, and at `/meetings.json` whether each Safe can be met:
 * read only, on loopback only.
 */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #door: Door;

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#door = new Door({
      clock: options.clock,
      connections: CONNECTIONS,
      answer: (question) => this.#answer(question),
    });
  }

  /** Begins to listen; resolves to the port. Rejects if the port cannot be had on 127.0.0.1; `::1` may be absent. */
  async listen(): Promise<number> {
    const port = await this.#door.listen(this.#options.port, '127.0.0.1');
    await this.#door.listen(port, '::1').catch(() => undefined);
    return port;
  }

  close(): Promise<void> {
    return this.#door.close();
  }

  async #answer({ method, path, query, headers }: Question): Promise<Reply> {
    const { host = '', 'sec-fetch-site': site } = headers;
    if (!LOCAL_HOST.test(host)) return say(421, 'this page is for localhost, 127.0.0.1 and [::1]\n');
    if (site !== undefined && !OWN_SITE.includes(String(site)))
      return say(403, 'not from another site: type the address\n');
    if (method !== 'GET') return say(405, 'GET only\n', { allow: 'GET' });
    if (path === '/state.json') return this.#state(query);
    if (path === '/meetings.json')
      return reply(200, 'application/json', JSON.stringify(await this.#options.meetings()));
    if (path !== '/') return say(404, 'try / or /state.json or /meetings.json\n');
    const nonce = randomBytes(16).toString('base64');
    return reply(200, 'text/html', renderPage(await this.#options.state(), nonce), {
      'content-security-policy': policy(nonce),
    });
  }

  async #state(query: URLSearchParams): Promise<Reply> {
    const [namespace, name] = [query.get('namespace'), query.get('name')];
    const one = namespace !== null && name !== null ? { namespace, name } : undefined;
    if (one === undefined && query.size > 0)
      return say(400, 'ask /state.json?namespace=NAMESPACE&name=NAME\n');
    return reply(200, 'application/json', JSON.stringify(await this.#options.state(one)));
  }
}

const reply = (status: number, type: string, body: string, headers: Record<string, string> = {}): Reply => ({
  status,
  type: `${type}; charset=utf-8`,
  body,
  headers: { ...HEADERS, ...headers },
});
const say = (status: number, body: string, headers?: Record<string, string>): Reply =>
  reply(status, 'text/plain', body, headers);

const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
