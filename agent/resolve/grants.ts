import type { StoredSecret } from './answer.ts';

/** Whether the namespaces of a secret decide who may use it: yes; no, but say so; no. */
export type Grants = 'enforce' | 'warn' | 'off';

/** How the grants of a Safe name namespaces of this cluster. */
export interface GrantScope {
  /** This cluster's name in them. */
  readonly as: string;
  /** Only names with `as` before them count: a plain one means a namespace of the Safe's own cluster. */
  readonly qualified: boolean;
}

/** VSecM keeps keys of its own under such names. */
const RESERVED_PREFIX = 'vsecm-';
const EVERY_NAMESPACE = '*';

// Whole texts are compared: a star before a slash means nothing.
/** What `-n` must say in that Safe for a namespace of this cluster. */
export const granteeOf = (namespace: string, { as, qualified }: GrantScope): string =>
  qualified ? `${as}/${namespace}` : namespace;

export function isGranted({ namespaces }: StoredSecret, namespace: string, scope: GrantScope): boolean {
  const among = (name: string): boolean => namespaces.includes(name);
  if (!scope.qualified && (among(namespace) || among(EVERY_NAMESPACE))) return true;
  return among(`${scope.as}/${namespace}`) || among(`${scope.as}/${EVERY_NAMESPACE}`);
}

/**
 * The secrets that one namespace can see. Refs look at nothing else, so what a namespace gets does not
 * depend on the secrets of others: a secret that is not granted is one that does not exist.
 */
export class VisibleSecrets {
  readonly #secrets: ReadonlyMap<string, StoredSecret>;
  readonly #namespace: string;
  readonly #grants: Grants;
  readonly #scope: GrantScope;

  constructor(
    secrets: ReadonlyMap<string, StoredSecret>,
    { namespace, grants, scope }: { namespace: string; grants: Grants; scope: GrantScope },
  ) {
    this.#secrets = secrets;
    this.#namespace = namespace;
    this.#grants = grants;
    this.#scope = scope;
  }

  get(name: string): StoredSecret | undefined {
    const secret = this.#secrets.get(name);
    if (secret === undefined || name.startsWith(RESERVED_PREFIX)) return undefined;
    return this.#grants !== 'enforce' || isGranted(secret, this.#namespace, this.#scope) ? secret : undefined;
  }
}
