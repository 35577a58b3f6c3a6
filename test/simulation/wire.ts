import { KubeError } from '../../agent/kube/error.ts';
import type { WireAnswer, WireRequest } from '../../agent/kube/exchange.ts';
import type { Send } from '../../agent/kube/transport.ts';
import { requestInfo, type RequestInfo } from '../devcluster/request-info.ts';
import type { ApiServer, Asked, Reply } from './api-server.ts';
import type { Chance } from './chance.ts';
import type { Link } from './link.ts';
import { Stream } from './stream.ts';
import type { Timeline } from './timeline.ts';
import type { Trouble, Troubles } from './trouble.ts';

/** What passes between one agent and the API servers, as the wire sees it. */
export interface Witness {
  /** The agent wants a request to leave. */
  asks(info: RequestInfo): void;
  /** The request leaves the agent. */
  leaves(info: RequestInfo, body: any, contentType: string): void;
  /** The agent waits for its answer no longer. */
  abandons(info: RequestInfo): void;
  /** An answer arrives. */
  arrives(info: RequestInfo, reply: Reply): void;
  /** As many characters of an answer or an event are on their way to the agent. */
  weighs(info: RequestInfo, characters: number): void;
  /** A watch begins; `initial`: with the whole state. */
  opens(info: RequestInfo, initial: boolean): void;
  /** An event of a watch arrives. */
  shows(info: RequestInfo, type: string, object: any): void;
}

export interface WireOptions {
  pod: string;
  servers: readonly ApiServer[];
  troubles: Troubles;
  /** By use, to the servers and back. */
  links: Record<'requests' | 'watches', { out: Link; in: Link }>;
  chance: Chance;
  timeline: Timeline;
  witness: Witness;
  /** Lets the agent take what has arrived, as soon as it runs; never if it is dead. */
  deliver: (take: () => void) => void;
}

/**
 * The connections of one agent to the API servers, one request to either at random, without sockets. `mute`: what is
 * open tells nothing any more, and nobody notices, as when something in between has forgotten the connection. `drop`:
 * all that is open is reset.
 */
export function wire(options: WireOptions): {
  send: Send;
  mute: () => void;
  drop: () => void;
  jam: (ms: number) => void;
} {
  const { pod, servers, troubles, links, chance, timeline, witness, deliver } = options;

  let jammedUntil = -Infinity;
  const open = new Set<{ muted: boolean; body: Stream }>();
  /** Ends what waits for an answer. */
  const waiting = new Set<(error: Error) => void>();

  const asked = (request: WireRequest, info: RequestInfo): Asked => ({
    info,
    pod,
    accept: request.headers['accept'],
    contentType: request.headers['content-type'] ?? '',
    body: request.body,
  });

  const send: Send = (use, request) =>
    new Promise<WireAnswer>((resolve, reject) => {
      if (request.signal.aborted) return reject(aborted());
      const info = requestInfo(request.method, request.path)!;
      witness.asks(info);
      const given = request.body === undefined ? undefined : JSON.parse(request.body);
      const link = links[use];
      const onAbort = (): void => {
        if (waiting.delete(reject)) witness.abandons(info);
        reject(aborted());
      };
      waiting.add(reject);
      request.signal.addEventListener('abort', onAbort, { once: true });
      const settle = (take: () => void): void =>
        deliver(() => {
          // Reset in between.
          if (!waiting.delete(reject)) return;
          request.signal.removeEventListener('abort', onAbort);
          if (!request.signal.aborted) take();
        });
      const back = (take: () => void): void => link.in.carry(() => settle(take));
      const answer = (reply: Reply): void =>
        back(() => {
          witness.arrives(info, reply);
          witness.weighs(info, reply.text.length);
          const body = new Stream(request.signal);
          body.push(reply.text);
          body.end();
          resolve(answerOf(reply, body));
        });
      const reset = (code: string): void => back(() => reject(failed(code)));

      // Most find a connection ready; some wait for one, or for their turn on it.
      const slow = timeline.now < jammedUntil ? 0.7 : 0.03;
      const waitMs = chance.happens(slow) ? 2_000 * chance.next() : 2 * chance.next();
      timeline.after(waitMs, () => deliver(leave));

      function leave(): void {
        if (!waiting.has(reject)) return;
        if (request.mayLeave?.() === false) {
          waiting.delete(reject);
          request.signal.removeEventListener('abort', onAbort);
          return reject(new KubeError(0, { code: 'NotSent' }));
        }
        witness.leaves(info, given, request.headers['content-type'] ?? '');
        link.out.carry(() => void arrive());
      }

      async function arrive(): Promise<void> {
        // Given up before it arrived, with its cancellation right behind it: whether it is still done is a matter of luck.
        if (request.signal.aborted && chance.happens(0.5)) return;
        const server = chance.pick(servers);
        const trouble = troubles.meeting(pod, info, chance.next);
        if (trouble?.afterMs) await passed(timeline, trouble.afterMs);
        if (trouble?.becomes === 'hung') return;
        if (trouble?.becomes === 'refused') return reset('ECONNREFUSED');
        if (typeof trouble?.becomes === 'object') return answer(refusalOf(trouble.becomes));
        if (info.verb === 'watch') return follow(server, trouble);
        const reply = await server.answer(asked(request, info));
        if (trouble?.becomes === 'lost') return reset('ECONNRESET');
        answer(reply);
      }

      async function follow(server: ApiServer, trouble: Trouble | undefined): Promise<void> {
        const body = new Stream(request.signal);
        const line = { muted: trouble?.becomes === 'silent', body };
        open.add(line);
        const initial = info.query.get('sendInitialEvents') === 'true';
        const start = { status: 200, text: '' };
        back(() => {
          witness.opens(info, initial);
          resolve(answerOf(start, body));
        });
        const stop = await server.watch(asked(request, info), {
          event: (type, object, text) =>
            link.in.carry(() =>
              deliver(() => {
                if (request.signal.aborted || body.closed || line.muted) return;
                witness.shows(info, type, object);
                witness.weighs(info, text.length);
                body.push(`{"type":"${type}","object":${text}}\n`);
              }),
            ),
          end: () => link.in.carry(() => deliver(() => line.muted || body.end())),
        });
        body.onClose(() => {
          open.delete(line);
          if (typeof stop === 'function') stop();
        });
        if (typeof stop === 'function') return;
        link.in.carry(() =>
          deliver(() => {
            body.push(`{"type":"ERROR","object":${stop.text}}\n`);
            body.end();
          }),
        );
      }
    });
  return {
    send,
    mute: () => {
      for (const line of open) line.muted = true;
    },
    jam: (ms) => {
      jammedUntil = timeline.now + ms;
    },
    drop: () => {
      for (const end of waiting) end(failed('ECONNRESET'));
      for (const { body } of open) body.fail(failed('ECONNRESET'));
      waiting.clear();
    },
  };
}

const passed = (timeline: Timeline, ms: number): Promise<void> =>
  new Promise((resolve) => timeline.after(ms, resolve));

const aborted = (): Error => new DOMException('This operation was aborted', 'AbortError');
const failed = (code: string): Error => Object.assign(new Error(code), { code });

function answerOf({ status, retryAfter }: Reply, body: Stream): WireAnswer {
  return { statusCode: status, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter }, body };
}

function refusalOf({ status, reason = '', causes, retryAfter }: Exclude<Trouble['becomes'], string>): Reply {
  const details = causes === undefined ? {} : { details: { causes } };
  const text = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason,
    code: status,
    ...details,
  });
  return { status, text, ...(retryAfter !== undefined && { retryAfter }) };
}
