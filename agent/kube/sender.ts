import type { Metrics } from '../metrics.ts';
import type { Access } from './access.ts';
import { readStatus } from './body.ts';
import type { Deadline } from './deadline.ts';
import { codeOf, KubeError } from './error.ts';
import type { WireAnswer } from './exchange.ts';
import { OBJECT } from './media-type.ts';
import { queryString, type KubeRequest } from './request.ts';
import type { Connections, Transport, Use } from './transport.ts';

export interface SenderOptions {
  access: Pick<Access, 'server' | 'credentials' | 'doubt'>;
  transport: Pick<Transport, 'pool' | 'distrust'>;
  metrics: { kubeRequests: Pick<Metrics['kubeRequests'], 'inc'> };
  userAgent?: string | undefined;
}

/** A request, what it goes over, and the name of its method in the metrics. */
export interface Exchange extends KubeRequest {
  use: Use;
  label?: string;
}

export interface Answer {
  response: WireAnswer;
  pool: Connections;
}

/** What Node says of a server whose certificate does not fit the CA, or of a client certificate that is not accepted. */
const UNVERIFIED = /CERT|VERIFY|ISSUER|TLS/;

/** Sends requests with the credentials of the moment, over connections that are trusted to answer. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #access: SenderOptions['access'];
  readonly #transport: SenderOptions['transport'];
  readonly #prefix: string;

  constructor(options: SenderOptions) {
    const { pathname } = new URL(options.access.server);
    this.#options = options;
    this.#access = options.access;
    this.#transport = options.transport;
    this.#prefix = pathname === '/' ? '' : pathname;
  }

  /** The headers of a 2xx answer, or an error. A 401 is asked once more, with credentials read anew. */
  async send(exchange: Exchange, deadline: Deadline): Promise<Answer> {
    const answer = await this.#attempt(exchange, deadline, false);
    const { statusCode, body } = answer.response;
    if (statusCode !== 401) return succeeded(answer);
    await body.dump();
    return succeeded(await this.#attempt(exchange, deadline, true));
  }

  async #attempt(exchange: Exchange, deadline: Deadline, afterRefusal: boolean): Promise<Answer> {
    const {
      method,
      path,
      query = {},
      body,
      contentType = OBJECT,
      accept = OBJECT,
      use,
      label = method,
      mayLeave,
    } = exchange;
    const credentials = await this.#access.credentials(afterRefusal, deadline.signal);
    if (mayLeave?.() === false) throw new KubeError(0, { code: 'NotSent' });
    const pool = this.#transport.pool(use, credentials);
    const { kubeRequests } = this.#options.metrics;
    try {
      const response = await pool.request({
        method,
        path: this.#prefix + path + queryString(query),
        headers: {
          'user-agent': this.#options.userAgent ?? 'vsecm-agent',
          accept,
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...credentials.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: deadline.signal,
        mayLeave,
      });
      kubeRequests.inc({ method: label, status: String(response.statusCode) });
      return { response, pool };
    } catch (error) {
      if (!(error instanceof KubeError && error.code === 'NotSent'))
        kubeRequests.inc({ method: label, status: '0' });
      if (deadline.missed !== undefined) this.#transport.distrust(pool);
      if (UNVERIFIED.test(codeOf(error))) this.#access.doubt();
      throw error;
    }
  }
}

async function succeeded(answer: Answer): Promise<Answer> {
  const { statusCode, headers, body } = answer.response;
  if (statusCode >= 200 && statusCode < 300) return answer;
  const header = headers['retry-after'];
  throw KubeError.fromStatus(
    statusCode,
    await readStatus(body),
    typeof header === 'string' ? header : undefined,
  );
}
