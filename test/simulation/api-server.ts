import { ApiError, expired, notFound } from '../devcluster/apiserver/api-error.ts';
import type { Kind } from '../devcluster/apiserver/kinds.ts';
import { labelSelector } from '../devcluster/apiserver/selector.ts';
import { versioned, type Change } from '../devcluster/apiserver/store.ts';
import { viewOf, type View } from '../devcluster/apiserver/view.ts';
import type { RequestInfo } from '../devcluster/request-info.ts';
import { Chance } from './chance.ts';
import { keyOf, type Cluster } from './cluster.ts';
import type { Timeline } from './timeline.ts';
import { WatchCache } from './watch-cache.ts';

export interface Asked {
  info: RequestInfo;
  /** What the client called itself. */
  pod: string;
  accept: string | undefined;
  contentType: string;
  body: string | undefined;
}

/** An answer with the object or objects that its text shows. */
export interface Reply {
  status: number;
  text: string;
  retryAfter?: string;
  shows?: readonly any[];
  /** Of a list: there are more pages. */
  more?: boolean;
}

/** The rest of a list as it was when it was begun. */
export interface Page {
  version: number;
  rest: readonly any[];
}

/** Where a watch tells its events. */
export interface Feed {
  event(type: string, object: any, text: string): void;
  end(): void;
}

const BOOKMARK_MS = 60_000;
/** How long a server waits for its cache to become as new as was asked for. */
const PATIENCE_MS = 3_000;

/** One API server: writes go to etcd, reads to etcd or to its own caches, as their resourceVersion says. */
export class ApiServer {
  readonly name: string;
  readonly caches: ReadonlyMap<string, WatchCache>;
  readonly #cluster: Cluster;
  readonly #timeline: Timeline;
  /** What is left of lists that were begun, by continue token, whichever server is asked for it. */
  readonly #pages: Map<string, Page>;

  constructor(name: string, seed: number, cluster: Cluster, timeline: Timeline, pages: Map<string, Page>) {
    this.name = name;
    this.#pages = pages;
    this.#cluster = cluster;
    this.#timeline = timeline;
    this.caches = new Map(
      [cluster.secrets, cluster.resources, cluster.slices].map((kind) => {
        const chance = new Chance(seed, `cache ${name} ${kind.key}`, () => timeline.now);
        return [kind.key, new WatchCache(cluster, kind, timeline, chance)];
      }),
    );
  }

  /** Anything but a watch. */
  async answer(asked: Asked): Promise<Reply> {
    try {
      return await this.#answer(asked);
    } catch (error) {
      if (error instanceof ApiError) return refusal(error);
      throw error;
    }
  }

  /** Tells events to `feed` until the returned function is called; a refusal instead if the watch cannot be had. */
  async watch({ info, accept }: Asked, feed: Feed): Promise<Reply | (() => void)> {
    const kind = this.#cluster.kindOf(info)!;
    const cache = this.caches.get(kind.key)!;
    const view = viewOf(accept, kind, false);
    const { query } = info;
    const concerns = concernsOf(info);
    const send = (type: string, object: any): void => feed.event(type, object, view.object(object));
    const bookmark = (annotations?: object): void => {
      const metadata = { resourceVersion: String(cache.version), ...(annotations && { annotations }) };
      send('BOOKMARK', { kind: kind.kind, apiVersion: `${kind.group}/${kind.version}`, metadata });
    };
    const tell = ({ now, before, resourceVersion }: Change): void => {
      if (concerns(now)) send(concerns(before) ? 'MODIFIED' : 'ADDED', now);
      else if (concerns(before)) send('DELETED', versioned(before, resourceVersion));
    };
    let from = Number(query.get('resourceVersion') ?? 0);
    if (query.get('sendInitialEvents') === 'true') {
      await cache.upTo(this.#cluster.lastVersion(kind));
      from = cache.version;
      for (const key of [...cache.objects.keys()].sort()) {
        const object = cache.objects.get(key);
        if (concerns(object)) send('ADDED', object);
      }
      bookmark({ 'k8s.io/initial-events-end': 'true' });
    }
    const leave = cache.follow(from, tell);
    if (leave === undefined) return refusal(expired(String(from), cache.version));
    const ends: (() => void)[] = [leave];
    const stop = (): void => ends.forEach((end) => end());
    const beat = (): void => {
      bookmark();
      ends[1] = this.#timeline.after(BOOKMARK_MS, beat);
    };
    ends.push(this.#timeline.after(BOOKMARK_MS, beat));
    const lastsMs = Number(query.get('timeoutSeconds') ?? 0) * 1_000;
    ends.push(
      this.#timeline.after(lastsMs, () => {
        stop();
        feed.end();
      }),
    );
    return stop;
  }

  async #answer(asked: Asked): Promise<Reply> {
    const { info, body } = asked;
    const kind = this.#cluster.kindOf(info);
    if (kind === undefined) return { status: 404, text: '404 page not found\n' };
    const view = viewOf(asked.accept, kind, info.verb === 'list');
    if (info.verb === 'get') return this.#get(kind, info, view);
    if (info.verb === 'list') return this.#list(kind, info, view);
    const given = asked.contentType.includes('apply-patch') ? body : body && JSON.parse(body);
    const { status, object } = this.#cluster.write(asked.pod, info, given, asked.contentType);
    const text = object.kind === 'Status' ? JSON.stringify(object) : view.object(object);
    return { status, text, shows: object.kind === 'Status' ? [] : [object] };
  }

  async #get(kind: Kind, { namespace, name, query }: RequestInfo, view: View): Promise<Reply> {
    const version = query.get('resourceVersion') ?? '';
    let object: any;
    if (version === '') object = this.#cluster.get(kind, namespace, name);
    else object = (await this.#cache(kind, Number(version))).objects.get(`${namespace}/${name}`);
    if (object === undefined) throw notFound(kind, name);
    return { status: 200, text: view.object(object), shows: [object] };
  }

  async #list(kind: Kind, info: RequestInfo, view: View): Promise<Reply> {
    const { query } = info;
    const token = query.get('continue') ?? '';
    const { version, rest } = token === '' ? await this.#snapshot(kind, info) : this.#pageOf(token);
    const limit = Number(query.get('limit') ?? 0);
    const more = limit > 0 && rest.length > limit;
    const shows = more ? rest.slice(0, limit) : rest;
    const metadata = {
      resourceVersion: String(version),
      ...(more && { continue: `page-${this.#pages.size}` }),
    };
    if (more) this.#pages.set(metadata.continue!, { version, rest: rest.slice(limit) });
    return { status: 200, text: view.list([...shows], metadata), shows, more };
  }

  async #snapshot(kind: Kind, info: RequestInfo): Promise<Page> {
    const asked = info.query.get('resourceVersion') ?? '';
    const cache = await this.#cache(kind, asked === '' ? this.#cluster.lastVersion(kind) : Number(asked));
    const rest = [...cache.objects.values()].filter(concernsOf(info));
    return { version: cache.version, rest: rest.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) };
  }

  #pageOf(token: string): Page {
    const page = this.#pages.get(token);
    if (page === undefined) throw new ApiError(410, 'Expired', 'The provided continue parameter is too old');
    return page;
  }

  /** The cache of a kind once it is no older than `version`; 0: as it is. */
  async #cache(kind: Kind, version: number): Promise<WatchCache> {
    const cache = this.caches.get(kind.key)!;
    const late = Promise.withResolvers<'late'>();
    const cancel = this.#timeline.after(PATIENCE_MS, () => late.resolve('late'));
    // Progress notifications of etcd bring a cache to versions of other kinds as well.
    const wanted =
      version > this.#cluster.store.version ? version : Math.min(version, this.#cluster.lastVersion(kind));
    const outcome = await Promise.race([cache.upTo(wanted), late.promise]);
    cancel();
    if (outcome !== 'late') return cache;
    throw new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${version}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }],
    });
  }
}

const refusal = (error: ApiError): Reply => ({
  status: error.status,
  text: JSON.stringify(error.toStatus()),
});

function concernsOf({ namespace, query }: RequestInfo): (object: any) => boolean {
  const selects = labelSelector(query.get('labelSelector'));
  return (object) =>
    object !== undefined && (namespace === '' || object.metadata.namespace === namespace) && selects(object);
}
