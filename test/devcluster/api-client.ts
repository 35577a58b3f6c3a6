import { Agent, request } from 'undici';

/** How to reach an API server and as whom. */
export interface Credentials {
  /** https://127.0.0.1:port */
  server: string;
  caPem: string;
  certPem?: string;
  keyPem?: string;
  token?: string;
}

export interface ApiAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Parsed JSON, or the text of anything else. */
  body: any;
}

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: any;
}

/** Content types of PATCH. */
export const APPLY = 'application/apply-patch+yaml';
export const MERGE = 'application/merge-patch+json';

/** A plain client of the Kubernetes API for tests: no retries, no opinions, every answer as it came. */
export class ApiClient {
  readonly credentials: Credentials;
  readonly #agent: Agent;

  constructor(credentials: Credentials) {
    this.credentials = credentials;
    const { caPem: ca, certPem: cert, keyPem: key } = credentials;
    this.#agent = new Agent({
      connections: 32,
      connect: { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) },
    });
  }

  /** A `body` that is no string goes out as JSON. Never throws for a status. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const response = await request(`${this.credentials.server}${path}`, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: {
        ...this.#headers(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.body.text();
    const json = String(response.headers['content-type']).startsWith('application/json');
    return { status: response.statusCode, headers: response.headers, body: json ? JSON.parse(text) : text };
  }

  /** As `request`, but anything but 2xx is an error that shows the server's answer (test data only). */
  async ok(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<any> {
    const answer = await this.request(method, path, body, headers);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Opens a watch; resolves once the server has answered 200, throws its Status otherwise. */
  async watch(path: string, headers: Record<string, string> = {}): Promise<Watch> {
    const stop = new AbortController();
    const response = await request(`${this.credentials.server}${path}`, {
      dispatcher: this.#agent,
      headers: { ...this.#headers(), ...headers },
      headersTimeout: 60_000,
      bodyTimeout: 0,
      signal: stop.signal,
    });
    if (response.statusCode !== 200)
      throw new Error(`watch ${path}: ${response.statusCode} ${await response.body.text()}`);
    return new Watch(response.body, stop);
  }

  /** Ends all connections, open watches with them. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #headers(): Record<string, string> {
    const { token } = this.credentials;
    return {
      accept: 'application/json',
      'user-agent': 'test/1',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }
}

/** The events of one open watch, in order. */
export class Watch {
  readonly #lines: AsyncIterator<string>;
  readonly #stop: AbortController;

  constructor(body: AsyncIterable<Buffer>, stop: AbortController) {
    this.#lines = lines(body)[Symbol.asyncIterator]();
    this.#stop = stop;
  }

  /** The next event; undefined when the server ended the stream. */
  async next(): Promise<WatchEvent | undefined> {
    const line = await this.#lines.next();
    return line.done === true ? undefined : JSON.parse(line.value);
  }

  /** Events up to and with the first that satisfies `last`; all of them if the stream ends before. */
  async until(last: (event: WatchEvent) => boolean): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    for (;;) {
      const event = await this.next();
      if (event === undefined) return events;
      events.push(event);
      if (last(event)) return events;
    }
  }

  close(): void {
    this.#stop.abort();
  }
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}
