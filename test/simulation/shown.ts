import type { RequestInfo } from '../devcluster/request-info.ts';
import type { Reply } from './api-server.ts';
import { keyOf } from './cluster.ts';

/** A term of duty begins with both kinds; after an outage each comes back at a time of its own. */
const AT_ONCE_MS = 5;

/** What one agent has been shown by its watches so far, and so could know. */
export class Shown {
  readonly resources = new Map<string, any>();
  readonly secrets = new Map<string, any>();
  readonly slices = new Map<string, any>();
  /** How often it has begun a term of duty, with nothing known. */
  term = 0;
  /** When it last listed the members, Unix milliseconds. */
  membersListedAt = -Infinity;
  /** When it was last told anything of them, if only that there is nothing to tell. */
  membersHeardAt = -Infinity;
  readonly #askedAt = new Map<string, number>();
  readonly #initial = new Map<string, Set<string>>();

  opens({ resource }: RequestInfo, initial: boolean): void {
    if (!initial) return void this.#initial.delete(resource);
    this.#initial.set(resource, new Set());
  }

  /** It asks for the whole state of a kind: where it does so for both at once, a term of duty begins. */
  asks({ verb, resource, query }: RequestInfo, now: number): void {
    const all =
      verb === 'watch' ? query.has('sendInitialEvents') : verb === 'list' && query.get('limit') !== '1';
    if (!all || query.has('continue')) return;
    this.#askedAt.set(resource, now);
    const other = this.#askedAt.get(resource === 'secrets' ? 'vsecmsecrets' : 'secrets') ?? -Infinity;
    if (resource !== 'endpointslices' && now - other < AT_ONCE_MS && other > -Infinity) this.term += 1;
  }

  shows({ resource }: RequestInfo, type: string, object: any, now: number): void {
    if (resource === 'endpointslices') this.membersHeardAt = now;
    const objects = this.of(resource);
    const initial = this.#initial.get(resource);
    if (type === 'BOOKMARK') {
      if (initial === undefined || object.metadata.annotations === undefined) return;
      for (const key of objects.keys()) if (!initial.has(key)) objects.delete(key);
      this.#initial.delete(resource);
      return;
    }
    const key = keyOf(object);
    initial?.add(key);
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
  }

  /** A page of a list arrives; the last one says what there is not. */
  lists({ resource, query }: RequestInfo, { shows = [], more }: Reply, now: number): void {
    if (resource === 'endpointslices') this.membersListedAt = this.membersHeardAt = now;
    const known = this.of(resource);
    const listed = query.has('continue')
      ? (this.#initial.get(resource) ?? new Set<string>())
      : new Set<string>();
    for (const object of shows) {
      known.set(keyOf(object), object);
      listed.add(keyOf(object));
    }
    if (more) return void this.#initial.set(resource, listed);
    for (const key of known.keys()) if (!listed.has(key)) known.delete(key);
    this.#initial.delete(resource);
  }

  of(resource: string): Map<string, any> {
    if (resource === 'secrets') return this.secrets;
    return resource === 'vsecmsecrets' ? this.resources : this.slices;
  }
}
