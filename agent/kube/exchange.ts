import type { Dispatcher } from 'undici';
import { KubeError } from './error.ts';

export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the query. */
  path: string;
  headers: Readonly<Record<string, string | undefined>>;
  body?: string;
  /** Of this request alone. Abandons it, also while the body of the answer is read. */
  signal: AbortSignal;
  /** Asked when a connection is there, right before the request's bytes leave; false: `NotSent`. */
  mayLeave?: (() => boolean) | undefined;
}

export interface WireAnswer {
  statusCode: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Rejects when it is cut off; `dump` reads it to its end for nobody. */
  body: AsyncIterable<Uint8Array> & { dump(): Promise<void> };
}

/**
 * Carries one request over undici.
 *
 * An abort reaches undici in a later turn of the event loop, never out of a callback of its own: in the microtasks in
 * which a request starts on a live HTTP/2 session, an abort leaves the stream open and without a listener for errors,
 * and the next cut of the connection ends the process (undici 8.12.4, docs/upstream.md).
 * @throws KubeError `NotSent`, or what undici throws
 */
export async function exchange(dispatcher: Dispatcher, request: WireRequest): Promise<WireAnswer> {
  const { signal, mayLeave, ...rest } = request;
  const late = new AbortController();
  const onAbort = (): void => void setImmediate(() => late.abort());
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const door = mayLeave === undefined ? dispatcher : dispatcher.compose(guarded(mayLeave));
  return door.request({ ...rest, signal: late.signal });
}

/** Asks `mayLeave` where undici is about to write a request on a connection; what it throws there is not written. */
function guarded(mayLeave: () => boolean): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        handler.onRequestStart?.(controller, context);
        if (!mayLeave()) throw new KubeError(0, { code: 'NotSent' });
      },
      onRequestUpgrade: (...given) => handler.onRequestUpgrade?.(...given),
      onResponseStart: (...given) => handler.onResponseStart?.(...given),
      onResponseData: (...given) => handler.onResponseData?.(...given),
      onResponseEnd: (...given) => handler.onResponseEnd?.(...given),
      onResponseError: (...given) => handler.onResponseError?.(...given),
    });
}
