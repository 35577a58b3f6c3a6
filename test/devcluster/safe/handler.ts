import type { IncomingMessage, ServerResponse } from 'node:http';
import type { authorise } from './identities.ts';
import { isObject } from './go-json.ts';
import type { Fault } from './faults.ts';
import { NotRecorded } from './not-recorded.ts';
import type { Registration, SafeStore } from './store.ts';

type Rights = NonNullable<ReturnType<typeof authorise>>;

/** What decides an answer besides the store. */
export interface Conditions {
  /** The Postgres store is away. */
  storeAway: boolean;
  fault: Fault | undefined;
}

const READ = '/workload/v1/secrets';
const REGISTER = '/sentinel/v1/secrets';
/** Beyond this Go no longer counts the bytes before it sends them. */
const CHUNKED_FROM = 2048;

/** Answers one request as VSecM Safe 0.28 does. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  rights: Rights,
  store: SafeStore,
  conditions: Conditions,
): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?');
  const { method } = request;
  if (path.includes('//')) return end(response, 307, '', { location: path.replace(/\/+/g, '/') });
  if (path === READ && method === 'GET' && rights.mayRead)
    return read(request, response, rights, store, conditions);
  // Safe's handler panics.
  if (path === READ && method === 'POST') return void request.socket.destroy();
  if (path === REGISTER && method === 'POST' && rights.mayPost) return register(request, response, store);
  if (path === REGISTER && method === 'DELETE' && rights.mayDelete) return remove(request, response, store);
  end(response, 400);
}

function read(
  request: IncomingMessage,
  response: ServerResponse,
  { workload }: Rights,
  store: SafeStore,
  { storeAway, fault }: Conditions,
): void {
  const said = store.hasRootKey
    ? workload === 'vsecm-scout'
      ? store.rawAnswer()
      : store.workloadAnswer(workload)
    : undefined;
  if (fault) return fault(response, said, request);
  if (!store.hasRootKey) return end(response, 400);
  if (storeAway) return end(response, 503, 'NOK!');
  if (said === undefined) return end(response, 404);
  end(response, 200, said);
}

async function register(request: IncomingMessage, response: ServerResponse, store: SafeStore): Promise<void> {
  if (!store.hasRootKey) return end(response, 400, 'NOK!');
  const body = await bodyOf(request);
  if (!body) return end(response, 400);
  const { workloads, namespaces, value, template, format, notBefore, expires } = body;
  try {
    for (const name of texts(workloads)) {
      const optional = {
        template: text(template),
        format: text(format),
        notBefore: text(notBefore),
        expires: text(expires),
      };
      const registration: Registration = {
        name,
        value: text(value),
        namespaces: texts(namespaces),
        ...optional,
      };
      store.register(registration);
    }
  } catch (error) {
    if (!(error instanceof NotRecorded)) throw error;
    return end(response, 501, error.message);
  }
  end(response, 200, 'OK'.repeat(texts(workloads).length));
}

async function remove(request: IncomingMessage, response: ServerResponse, store: SafeStore): Promise<void> {
  if (!store.hasRootKey) return end(response, 400, 'NOK!');
  for (const name of texts((await bodyOf(request))?.['workloads'])) store.delete(name);
  end(response, 200, 'OK');
}

function end(
  response: ServerResponse,
  status: number,
  body = '',
  headers: Record<string, string> = {},
): void {
  const length = Buffer.byteLength(body);
  const known = length <= CHUNKED_FROM ? { 'content-length': String(length) } : {};
  response.writeHead(status, { 'content-type': 'text/plain', ...known, ...headers }).end(body);
}

/** The members of a JSON body; bytes that are no UTF-8 become U+FFFD. */
async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value.toWellFormed() : '');
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : []);
