import { Failure } from '../api/reasons.ts';
import { parseSpec, type Spec } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { Claims } from './claims.ts';
import { toleranceOf, type RefreshGroups } from './groups.ts';
import type { Memory } from './memory.ts';
import type { Resource } from './resource.ts';
import type { Endpoint } from './source.ts';
import type { Sources } from './sources.ts';

export interface PlannerOptions {
  claims: Claims;
  /** The Safe that a resource names; `undefined` if the operator has not allowed it. */
  endpoint: (url: string | undefined) => Endpoint | undefined;
  sources: Sources;
  groups: RefreshGroups;
  clock: Clock;
}

/** What a resource declares, and the place among sources and refresh groups that follows from it. */
export class Planner {
  readonly #options: PlannerOptions;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /**
   * The spec, parsed once per generation, with the Safe and the refresh group that it names.
   * @throws Failure of stage spec, or `TargetConflict` if an older resource holds the target
   */
  plan(resource: Resource, memory: Memory): Spec {
    const { clock, claims } = this.#options;
    const now = clock.now();
    if (resource.refresh !== memory.refresh) {
      memory.refresh = resource.refresh;
      memory.forcedAt = now;
      memory.needAfter = now;
    }
    if (memory.generation !== resource.generation) {
      memory.generation = resource.generation;
      memory.seenAt = now;
      memory.spec = undefined;
    }
    const spec = memory.spec ?? this.#parse(resource, memory);
    const holder = claims.holder(`${resource.namespace}/${spec.target.name}`);
    if (holder && holder.key !== resource.key) {
      throw new Failure(
        'TargetConflict',
        `Secret ${spec.target.name} is the target of the older VSecMSecret ${holder.name}`,
      );
    }
    return spec;
  }

  /** The resource needs nothing of Safe any more. */
  leave(memory: Memory): void {
    this.#options.groups.leave(memory.key);
    if (memory.source) this.#options.sources.leave(memory.key, memory.source);
    memory.source = undefined;
  }

  #parse(resource: Resource, memory: Memory): Spec {
    const { endpoint, sources, groups, clock } = this.#options;
    try {
      const spec = parseSpec({ metadata: { name: resource.name }, spec: resource.spec });
      const safe = endpoint(spec.safeURL);
      if (!safe)
        throw new Failure(
          'SafeNotAllowed',
          'spec.vsecmSafeURL names a Safe that the agents are not allowed to ask',
        );
      if (memory.source?.dial !== safe.dial) {
        this.leave(memory);
        memory.source = sources.join(resource.key, safe);
      }
      groups.join(resource.key, safe.dial, spec.suspend ? 0 : spec.refreshIntervalMs);
      memory.needAfter = Math.max(memory.needAfter, clock.now() - toleranceOf(spec.refreshIntervalMs));
      memory.spec = spec;
      return spec;
    } catch (error) {
      this.leave(memory);
      throw error;
    }
  }
}
