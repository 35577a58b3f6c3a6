import { randomUUID } from 'node:crypto';
import { ApiError, badRequest, invalid, notFound } from './api-error.ts';
import type { Kind } from './kinds.ts';
import { labelSelector } from './selector.ts';
import { versioned, type Change, type Store } from './store.ts';
import type { View } from './view.ts';
import { EventQueue } from './event-queue.ts';

const BOOKMARK_MS = 60_000;
/** A watch with a deadline gets its last bookmark this long before. */
const BOOKMARK_BEFORE_END_MS = 2_000;

/** What each continue token begins with. */
const PAGE = 'page-';

interface Collection {
  kind: Kind;
  namespace: string;
  query: URLSearchParams;
  view: View;
}

/** get, list and watch. */
export class Reads {
  readonly #store: Store;
  /** The rest of lists that were begun, by continue token. */
  readonly #pages = new Map<string, { version: number; rest: any[] }>();
  readonly #bookmarks = new Set<() => void>();

  constructor(store: Store) {
    this.#store = store;
  }

  get(kind: Kind, namespace: string, name: string): any {
    const object = this.#store.get(kind, namespace, name);
    if (object === undefined) throw notFound(kind, name);
    return object;
  }

  list({ kind, namespace, query, view }: Collection): string {
    const token = query.get('continue');
    const selected = query.get('labelSelector');
    let version = this.#store.version;
    if (Number(query.get('resourceVersion') ?? 0) > version)
      throw new ApiError(504, 'Timeout', 'Timeout: Too large resource version');
    let objects: any[];
    if (token === null || token === '') {
      objects = this.#store.list(kind, namespace).filter(labelSelector(selected));
    } else {
      const page = this.#pages.get(token);
      if (!token.startsWith(PAGE)) throw badRequest('continue key is not valid');
      if (page === undefined)
        throw new ApiError(410, 'Expired', 'The provided continue parameter is too old');
      ({ version, rest: objects } = page);
    }
    // A list from the server's cache comes whole, whatever limit was asked for.
    const limit = query.get('resourceVersion') === '0' ? 0 : Number(query.get('limit') ?? 0);
    const rest = limit > 0 ? objects.slice(limit) : [];
    if (rest.length === 0) return view.list(objects, { resourceVersion: String(version) });
    const next = PAGE + randomUUID();
    this.#pages.set(next, { version, rest });
    const remaining = selected === null ? { remainingItemCount: rest.length } : {};
    return view.list(objects.slice(0, limit), {
      resourceVersion: String(version),
      continue: next,
      ...remaining,
    });
  }

  /** Ends when `signal` is aborted, at the deadline, or when the kind's definition changes. */
  watch({ kind, namespace, query, view }: Collection, signal: AbortSignal): AsyncIterable<string> {
    const selects = labelSelector(query.get('labelSelector'));
    const concerns = (object: any): boolean =>
      object !== undefined &&
      (namespace === '' || object.metadata.namespace === namespace) &&
      selects(object);
    const from = query.get('resourceVersion') ?? '';
    const initial = query.get('sendInitialEvents') === 'true';
    checkOptions(query, initial);
    const bookmarks = query.get('allowWatchBookmarks') === 'true';

    const queue = new EventQueue();
    const send = (type: string, object: any): void =>
      queue.push(`{"type":"${type}","object":${view.object(object)}}\n`);
    const bookmark = (annotations?: object): void => {
      if (!bookmarks) return;
      const metadata = {
        resourceVersion: String(this.#store.version),
        ...(annotations === undefined ? {} : { annotations }),
      };
      send('BOOKMARK', {
        kind: kind.kind,
        apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
        metadata,
      });
    };
    const tell = ({ now, before, resourceVersion }: Change): void => {
      if (concerns(now)) send(concerns(before) ? 'MODIFIED' : 'ADDED', now);
      else if (concerns(before)) send('DELETED', versioned(before, resourceVersion));
    };

    let start = Number(from);
    if (initial || from === '' || from === '0') {
      start = this.#store.version;
      for (const object of this.#store.list(kind, namespace)) if (concerns(object)) send('ADDED', object);
      bookmark({ 'k8s.io/initial-events-end': 'true' });
    }
    const ends: (() => void)[] = [];
    try {
      ends.push(this.#store.follow(kind, start, tell, () => queue.end()));
    } catch (error) {
      queue.push(`${JSON.stringify({ type: 'ERROR', object: (error as ApiError).toStatus() })}\n`);
      queue.end();
    }
    const beat = (): void => bookmark();
    this.#bookmarks.add(beat);
    ends.push(() => this.#bookmarks.delete(beat));
    const timer = (ms: number, run: () => void): void => {
      const timer = setTimeout(run, ms);
      ends.push(() => clearTimeout(timer));
    };
    const interval = setInterval(beat, BOOKMARK_MS);
    ends.push(() => clearInterval(interval));
    const lastsMs = Number(query.get('timeoutSeconds') ?? 0) * 1_000;
    if (lastsMs > 0) timer(lastsMs, () => queue.end());
    if (lastsMs > BOOKMARK_BEFORE_END_MS) timer(lastsMs - BOOKMARK_BEFORE_END_MS, beat);
    const gone = (): void => queue.end();
    signal.addEventListener('abort', gone);
    if (signal.aborted) gone();
    queue.onEnd(() => ends.forEach((end) => end()));
    return queue;
  }

  /** Sends all open watches that allow it a bookmark. */
  sendBookmarks(): void {
    for (const beat of this.#bookmarks) beat();
  }

  /** Lists that were begun cannot be continued. */
  expirePages(): void {
    this.#pages.clear();
  }
}

function checkOptions(query: URLSearchParams, initial: boolean): void {
  const match = query.get('resourceVersionMatch');
  const forbidden = (message: string): ApiError =>
    invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      { reason: 'FieldValueForbidden', message, field: 'resourceVersionMatch' },
    ]);
  if (initial && match !== 'NotOlderThan')
    throw forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (!initial && match !== null)
    throw forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  if (!/^\d*$/.test(query.get('resourceVersion') ?? ''))
    throw new ApiError(500, '', 'resourceVersion: Invalid value');
}
