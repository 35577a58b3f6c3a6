import { Failure } from '../api/reasons.ts';
import type { Resource } from '../api/resource.ts';
import { parseKept } from '../api/spec-room.ts';
import { outlineOf, type Outline } from '../api/vsecmsecret.ts';
import type { Endpoint, Fetcher } from '../fetch/fetcher.ts';
import type { Fetchers } from '../fetch/fetchers.ts';
import type { RefreshGroups } from '../fetch/groups.ts';

export interface PlansOptions {
  /** The Safe that a resource names; `undefined` if the operator has not allowed it. */
  endpoint: (url: string | undefined) => Endpoint | undefined;
  fetchers: Fetchers;
  groups: RefreshGroups;
}

/** What a resource declares, and the Safe that it has its secrets from. */
export interface Plan {
  readonly generation: number;
  readonly spec: Outline | Failure;
  /** Absent where nothing is wanted of Safe. */
  readonly fetcher: Fetcher | undefined;
}

/** Shorter than this no resource can be refreshed, milliseconds. */
const SHORTEST_MS = 10_000;

/** Reads specs, once per generation, and keeps resources in their places among fetchers and refresh groups. */
export class Plans {
  readonly #options: PlansOptions;

  constructor(options: PlansOptions) {
    this.#options = options;
  }

  /** The plan of the resource's generation. */
  of(resource: Resource, before: Plan | undefined): Plan {
    if (before?.generation === resource.generation) return before;
    const { generation, key } = resource;
    try {
      const spec = outlineOf(parseKept(resource.name, resource.spec));
      const endpoint = this.#options.endpoint(spec.safeURL);
      if (!endpoint)
        throw new Failure(
          'SafeNotAllowed',
          'spec.vsecmSafeURL names a Safe that the agents are not allowed to ask',
        );
      if (spec.suspend) {
        this.leave(key, before);
        return { generation, spec, fetcher: undefined };
      }
      let fetcher = before?.fetcher;
      if (fetcher?.dial !== endpoint.dial) {
        this.leave(key, before);
        fetcher = this.#options.fetchers.join(key, endpoint);
      }
      this.#options.groups.join(key, endpoint.dial, refreshEvery(spec));
      return { generation, spec, fetcher };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.leave(key, before);
      return { generation, spec: error, fetcher: undefined };
    }
  }

  /** The resource wants nothing of Safe any more. */
  leave(key: string, plan: Plan | undefined): void {
    if (!plan?.fetcher) return;
    this.#options.groups.leave(key);
    this.#options.fetchers.leave(key, plan.fetcher);
  }
}

/** How often Safe is asked, milliseconds: who wants its confirmation within `maxStaleness` wants it more often than that. */
function refreshEvery({ refreshIntervalMs, maxStalenessMs = Infinity }: Outline): number {
  return Math.min(refreshIntervalMs, Math.max(SHORTEST_MS, maxStalenessMs / 2));
}
