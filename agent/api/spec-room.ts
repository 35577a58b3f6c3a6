import { Failure } from './reasons.ts';
import { parseSpec, type Spec } from './vsecmsecret.ts';

/** Characters of the specs of one namespace: ten thousand of an ordinary size, a hundred of the largest. */
export const MAX_IN_NAMESPACE = 8 * 1024 * 1024;
/** Characters of all specs, of one byte or two each in memory: fifty thousand of an ordinary size. */
export const MAX_IN_ALL = 32 * 1024 * 1024;

/** A spec as it is kept: its JSON; `undefined` if there was no room for it, which is a failure of its own. */
export type KeptSpec = string | undefined;

/**
 * Room for the specs of all VSecMSecrets that an agent watches, whoever serves them. Each namespace has its share,
 * so that nobody's resources, however many and however large, cost an agent more than MAX_IN_ALL, and beyond the share
 * they cost their own namespace. What changes is judged anew.
 */
export class SpecRoom {
  readonly #sizes = new Map<string, number>();
  readonly #namespaces = new Map<string, number>();
  #all = 0;

  /** @param key `namespace/name`; what was kept for it before makes room */
  keep(key: string, spec: unknown): KeptSpec {
    this.drop(key);
    const text = JSON.stringify(spec) ?? 'null';
    const size = text.length;
    const namespace = namespaceOf(key);
    const all = (this.#namespaces.get(namespace) ?? 0) + size;
    if (all > MAX_IN_NAMESPACE || this.#all + size > MAX_IN_ALL) return undefined;
    this.#sizes.set(key, size);
    this.#namespaces.set(namespace, all);
    this.#all += size;
    return text;
  }

  /** The resource is gone. */
  drop(key: string): void {
    const size = this.#sizes.get(key);
    if (size === undefined) return;
    this.#sizes.delete(key);
    this.#all -= size;
    const namespace = namespaceOf(key);
    const left = this.#namespaces.get(namespace)! - size;
    if (left > 0) this.#namespaces.set(namespace, left);
    else this.#namespaces.delete(namespace);
  }
}

/** The spec that was kept of a resource; throws `LimitExceeded` if it was not, `InvalidSpec` if it does not parse. */
export function parseKept(name: string, kept: KeptSpec): Spec {
  if (kept === undefined) {
    throw new Failure(
      'LimitExceeded',
      "spec: the VSecMSecrets of the namespace have more than 8,388,608 characters together, or those of the cluster more than 33,554,432: delete or shorten some, then change this one's annotation vsecm.com/refresh",
    );
  }
  return parseSpec({ metadata: { name }, spec: JSON.parse(kept) as unknown });
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
