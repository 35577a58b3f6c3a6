import type { Resource } from './resource.ts';

/** The Secret that a resource names, whether or not the rest of its spec is right. */
export function targetNameOf(resource: Resource): string {
  const name = (resource.spec as { target?: { name?: unknown } } | null | undefined)?.target?.name;
  return typeof name === 'string' && name !== '' ? name : resource.name;
}

/** Which VSecMSecrets name which Secret. One of them may write it: the oldest, ties by uid. */
export class Claims {
  readonly #byTarget = new Map<string, Map<string, Resource>>();
  readonly #targetOf = new Map<string, string>();

  /** Notes a resource as it is now; returns the other resources whose claim this may change. */
  set(resource: Resource): Iterable<string> {
    const target = `${resource.namespace}/${targetNameOf(resource)}`;
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
    let holder: Resource | undefined;
    for (const one of this.#byTarget.get(target)?.values() ?? []) {
      if (one.deleting) continue;
      if (
        !holder ||
        one.createdAt < holder.createdAt ||
        (one.createdAt === holder.createdAt && one.uid < holder.uid)
      )
        holder = one;
    }
    return holder;
  }
}
