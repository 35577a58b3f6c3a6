import type { StoredSecret } from './answer.ts';

/** Whether the namespaces of a secret decide who may use it: yes; no, but say so; no. */
export type Grants = 'enforce' | 'warn' | 'off';

/** VSecM keeps keys of its own under such names. */
const RESERVED_PREFIX = 'vsecm-';
const EVERY_NAMESPACE = '*';

export const isGranted = (secret: StoredSecret, namespace: string): boolean =>
  secret.namespaces.includes(namespace) || secret.namespaces.includes(EVERY_NAMESPACE);

/**
 * The secrets that one namespace can see. Refs look at nothing else, so what a namespace gets does not
 * depend on the secrets of others: a secret that is not granted is one that does not exist.
 */
export class VisibleSecrets {
  readonly #secrets: ReadonlyMap<string, StoredSecret>;
  readonly #namespace: string;
  readonly #grants: Grants;

  constructor(secrets: ReadonlyMap<string, StoredSecret>, namespace: string, grants: Grants) {
    this.#secrets = secrets;
    this.#namespace = namespace;
    this.#grants = grants;
  }

  get(name: string): StoredSecret | undefined {
    const secret = this.#secrets.get(name);
    if (secret === undefined || name.startsWith(RESERVED_PREFIX)) return undefined;
    return this.#grants !== 'enforce' || isGranted(secret, this.#namespace) ? secret : undefined;
  }
}
