import { Agent, request } from 'undici';
import type { Handler } from './gate.ts';

/** Answers a gate's requests by asking the API server at `server`, with the client's own token. */
export function forwardTo(server: string, caPem: string): { handler: Handler; close(): Promise<void> } {
  const agent = new Agent({ connect: { ca: caPem }, headersTimeout: 0, bodyTimeout: 0 });
  const handler: Handler = async ({ method, target, info, headers, body, signal }) => {
    const { 'content-type': type, accept, authorization, 'user-agent': userAgent } = headers;
    const passed = { 'content-type': type, accept, authorization, 'user-agent': userAgent };
    const response = await request(`${server}${target}`, {
      method: method as 'GET',
      dispatcher: agent,
      headers: Object.fromEntries(
        Object.entries(passed).filter(([, value]) => value !== undefined),
      ) as Record<string, string>,
      body: body === '' ? null : body,
      signal,
    });
    const kept = ['content-type', 'retry-after', 'warning'].flatMap((name) => {
      const value = response.headers[name];
      return value === undefined ? [] : [[name, String(value)]];
    });
    const streaming = info?.verb === 'watch' && response.statusCode === 200;
    response.body.on('error', () => {});
    return {
      status: response.statusCode,
      headers: Object.fromEntries(kept),
      body: streaming ? texts(response.body) : await response.body.text(),
    };
  };
  return { handler, close: () => agent.destroy() };
}

async function* texts(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
  } catch {
    // The client went away, or the server did: either way the stream is over.
  }
}
