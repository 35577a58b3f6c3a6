import type { Resource } from '../api/resource.ts';
import type { SecretMeta } from '../api/secret-meta.ts';

export interface ClaimsOptions {
  /** The Secret `namespace/name` as it is known. */
  secret: (key: string) => SecretMeta | undefined;
  /** Whether a resource, by its key, last wrote the Secret of that name in this term. */
  wrote: (resource: string, name: string) => boolean;
}

/**
 * Which VSecMSecrets name which Secret. One of them may write it: whoever holds it keeps it, by the owner reference or
 * by what it wrote, as long as its spec names it; where nobody does, the oldest gets it, ties by uid.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #byTarget = new Map<string, Map<string, Resource>>();
  readonly #targetOf = new Map<string, string>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Notes a resource as it is now; returns the others whose claim this may change. */
  set(resource: Resource): Iterable<string> {
    const target = `${resource.namespace}/${resource.targetName}`;
    const before = this.holder(target);
    const freed = this.#targetOf.get(resource.key) === target ? [] : this.delete(resource.key);
    const claimants = this.#byTarget.get(target) ?? new Map<string, Resource>();
    this.#byTarget.set(target, claimants);
    claimants.set(resource.key, resource);
    this.#targetOf.set(resource.key, target);
    const moved = before !== undefined && this.holder(target)?.uid !== before.uid;
    return [...freed, ...(moved ? claimants.keys() : [])].filter((key) => key !== resource.key);
  }

  /** Forgets a resource; returns those that named the same Secret. */
  delete(key: string): Iterable<string> {
    const target = this.#targetOf.get(key);
    if (target === undefined) return [];
    this.#targetOf.delete(key);
    const claimants = this.#byTarget.get(target);
    claimants?.delete(key);
    if (claimants?.size === 0) this.#byTarget.delete(target);
    return [...(claimants?.keys() ?? [])];
  }

  /** Resources that name the Secret `namespace/name`. */
  of(target: string): Iterable<string> {
    return this.#byTarget.get(target)?.keys() ?? [];
  }

  /** The resource that may write the Secret `namespace/name`. */
  holder(target: string): Resource | undefined {
    const claimants = this.#byTarget.get(target);
    if (!claimants) return undefined;
    let holder: Resource | undefined;
    for (const one of claimants.values()) {
      if (!one.deleting && (!holder || this.#precedes(one, holder, target))) holder = one;
    }
    return holder;
  }

  #precedes(a: Resource, b: Resource, target: string): boolean {
    const hold = this.#hold(b, target) - this.#hold(a, target);
    if (hold !== 0) return hold < 0;
    return a.createdAt === b.createdAt ? a.uid < b.uid : a.createdAt < b.createdAt;
  }

  /** How well a resource holds the Secret that it names. */
  #hold(resource: Resource, target: string): 0 | 1 | 2 {
    const secret = this.#options.secret(target);
    if (secret?.ownerUids.includes(resource.uid)) return 2;
    const name = target.slice(target.indexOf('/') + 1);
    return this.#options.wrote(resource.key, name) || resource.status.secret?.name === name ? 1 : 0;
  }
}
