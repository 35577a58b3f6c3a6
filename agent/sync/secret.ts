import { Failure, type HintContext } from '../api/reasons.ts';
import type { Desired } from './desired.ts';
import { fingerprint } from './changes.ts';
import { FIELD_MANAGER, isOlderVersion, MANAGED_BY_LABEL, MANAGED_LABEL, type Resource, type SecretMeta } from './resource.ts';

/** What this file needs of the API server; answers that are not successes arrive as `SecretApiError`. */
export interface SecretApi {
  /** Metadata of a Secret, from the server's cache; `undefined` if there is none. */
  look(namespace: string, name: string): Promise<SecretMeta | undefined>;
  /** Server-side apply as `vsecm-agent`, metadata back. `created` tells a 201 from a 200. */
  apply(namespace: string, name: string, body: unknown, force: boolean): Promise<{ created: boolean; meta: SecretMeta }>;
  /** Deletes exactly this version of this Secret. */
  delete(meta: SecretMeta): Promise<void>;
}

/** A refusal of the API server that the write protocol tells apart. */
export type Refusal = 'stale' | 'field-conflict' | 'forbidden' | 'terminating' | 'invalid' | 'missing' | 'unavailable';

export class SecretApiError extends Error {
  override readonly name = 'SecretApiError';
  readonly refusal: Refusal;
  /** Fields that the server complained about, for `invalid`. */
  readonly fields: readonly string[];
  readonly retryAfterMs: number | undefined;
  /** A system's error code, for the log. */
  readonly reason: string | undefined;

  constructor(refusal: Refusal, details: { fields?: readonly string[]; retryAfterMs?: number | undefined; reason?: string | undefined } = {}) {
    super(`the API server refused: ${refusal}`);
    this.refusal = refusal;
    this.fields = details.fields ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.reason = details.reason;
  }
}

/** The Secret is not as it was when the write was decided: look again, with a fresh answer of Safe. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
  readonly code = 'Conflict';
}

/** The namespace is being deleted: nothing more is to be done there. */
export class NamespaceTerminating extends Error {
  override readonly name = 'NamespaceTerminating';
}

/** A version of a Secret to write over. */
export type Known = Pick<SecretMeta, 'uid' | 'resourceVersion' | 'createdByAgent'>;

/** What this process knows of a Secret that it wrote or found right. */
export interface Applied extends Known {
  readonly name: string;
  /** Time of our entry in the Secret's managedFields. */
  readonly appliedAt: string | undefined;
  /** Keyed digest of the content that was written; never leaves memory. */
  readonly print: string;
}

/** The Secret after a write, and whether the write changed it. */
export interface Written {
  readonly meta: SecretMeta;
  readonly result: 'created' | 'updated' | 'unchanged';
}

/** A digest of what a Secret should hold, to tell a no-op. */
export function printOf(desired: Desired): string {
  function* parts(): Iterable<string | Uint8Array> {
    for (const [kind, entries] of Object.entries({ d: desired.data, l: desired.labels, a: desired.annotations })) {
      const sorted = [...(entries as ReadonlyMap<string, string | Uint8Array>)].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [key, value] of sorted) yield* [kind, key, value];
    }
  }
  return fingerprint(parts());
}

/** How the store sees the Secret, against what this process last wrote. */
export type Drift =
  /** As we wrote it, or the watch has not caught up with our write yet. */
  | 'none'
  /** Another field manager changed it, or it is gone: the cached answer may repair it. */
  | 'foreign'
  /** Another agent wrote it: only an answer fetched after that was seen may. */
  | 'agent';

export function driftOf(applied: Applied, seen: SecretMeta | undefined, lost: boolean): Drift {
  if (!seen) return lost ? 'foreign' : 'none';
  if (seen.uid !== applied.uid) return seen.appliedAt === undefined ? 'foreign' : 'agent';
  if (seen.resourceVersion === applied.resourceVersion || isOlderVersion(seen.resourceVersion, applied.resourceVersion)) return 'none';
  return seen.appliedAt !== undefined && seen.appliedAt !== applied.appliedAt ? 'agent' : 'foreign';
}

/** Writes Secrets by server-side apply so that nothing of anybody else is ever overwritten. */
export class SecretWriter {
  readonly #api: SecretApi;

  constructor(options: { api: SecretApi }) {
    this.#api = options.api;
  }

  /**
   * Makes the Secret hold what `desired` says. `known` is the version to write over if the Secret is
   * known to be this resource's; without it the target is looked up first.
   * @param mayWrite asked right before the request: ownership may have moved meanwhile
   * @throws Conflict, NamespaceTerminating, Failure of stage write
   */
  async write(
    resource: Resource,
    target: string,
    desired: Desired,
    known: Known | undefined,
    mayWrite: () => boolean,
  ): Promise<Written> {
    const context: HintContext = { namespace: resource.namespace, name: resource.name, target };
    try {
      let over: Known | undefined = known;
      if (!over) {
        const found = await this.#api.look(resource.namespace, target);
        if (!found) return await this.#create(resource, target, desired, context, mayWrite);
        if (!isOurs(found, resource) && !found.adoptable) throw notOurs(target, context);
        over = found;
      }
      if (!mayWrite()) throw new Conflict('owned by another agent now');
      const { meta } = await this.#api.apply(resource.namespace, target, secretBody(resource, target, desired, over), true);
      return { meta, result: meta.resourceVersion === over.resourceVersion ? 'unchanged' : 'updated' };
    } catch (error) {
      throw error instanceof SecretApiError ? translate(error, target, context) : error;
    }
  }

  /** Deletes the Secret of a target that was renamed, if it is still this resource's. */
  async removeFormer(resource: Resource, former: string): Promise<void> {
    try {
      const found = await this.#api.look(resource.namespace, former);
      if (found && !found.deleting && found.ownerUids.includes(resource.uid)) await this.#api.delete(found);
    } catch (error) {
      if (error instanceof SecretApiError && (error.refusal === 'stale' || error.refusal === 'missing')) return;
      const context = { namespace: resource.namespace, name: resource.name, target: former };
      throw error instanceof SecretApiError ? translate(error, former, context) : error;
    }
  }

  /**
   * The first write onto an absent target. It does not force: what is forced and given back again is
   * destroyed, with the other manager's value (seen on kube-apiserver 1.37).
   */
  async #create(
    resource: Resource,
    target: string,
    desired: Desired,
    context: HintContext,
    mayWrite: () => boolean,
  ): Promise<Written> {
    if (!mayWrite()) throw new Conflict('owned by another agent now');
    let result;
    try {
      result = await this.#api.apply(resource.namespace, target, secretBody(resource, target, desired), false);
    } catch (error) {
      if (!(error instanceof SecretApiError) || error.refusal !== 'forbidden') throw error;
      // The admission policy answers 403 to a write onto somebody's Secret, RBAC to any write.
      const found = await this.#api.look(resource.namespace, target);
      throw found && !isOurs(found, resource) ? notOurs(target, context) : error;
    }
    if (result.created) return { meta: result.meta, result: 'created' };
    // Somebody created it between look and apply. Another agent: leave all as it is, giving back would
    // empty the Secret that both mean. Anybody else: give back what we share now.
    if (!result.meta.othersWrite) throw new Conflict('another agent created it');
    const { uid, resourceVersion } = result.meta;
    await this.#api.apply(resource.namespace, target, emptyBody(resource.namespace, target, uid, resourceVersion), false);
    throw notOurs(target, context);
  }
}

/**
 * Whether a Secret is this resource's to write: it owns it, or an agent wrote it. Which of several
 * VSecMSecrets may is decided before; a Secret whose owner went, also in an uninstallation that kept
 * Secrets, is taken up again.
 */
export function isOurs(meta: SecretMeta, resource: Resource): boolean {
  return meta.ownerUids.includes(resource.uid) || (meta.managed && meta.appliedAt !== undefined);
}

function notOurs(target: string, context: HintContext): Failure {
  return new Failure('TargetConflict', `Secret ${target} exists and belongs to somebody else; it was left as it is`, { context });
}

function translate(error: SecretApiError, target: string, context: HintContext): Error {
  const options = { context, reason: error.reason ?? error.refusal };
  switch (error.refusal) {
    case 'stale':
    case 'missing':
      return new Conflict('the Secret changed meanwhile');
    case 'terminating':
      return new NamespaceTerminating('the namespace is being deleted');
    case 'field-conflict':
      return notOurs(target, context);
    case 'forbidden':
      return new Failure('WriteForbidden', `the API server forbids writing Secret ${target}`, options);
    case 'invalid': {
      const fields = error.fields.length > 0 ? `: ${error.fields.join(', ')}` : '';
      return new Failure('WriteRejected', `the API server rejects Secret ${target} as invalid${fields}`, options);
    }
    case 'unavailable':
      return new Failure('ApiUnavailable', `the API server did not take the write of Secret ${target}`, {
        ...options,
        ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      });
  }
}

function secretBody(resource: Resource, target: string, desired: Desired, over?: Known): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: target,
      namespace: resource.namespace,
      // The version guards against overwriting what was not seen; the uid against bringing back a deleted Secret.
      ...(over && { uid: over.uid, resourceVersion: over.resourceVersion }),
      labels: {
        ...Object.fromEntries(desired.labels),
        [MANAGED_LABEL]: 'true',
        ...((!over || over.createdByAgent) && { [MANAGED_BY_LABEL]: FIELD_MANAGER }),
      },
      annotations: Object.fromEntries(desired.annotations),
      ownerReferences: [
        {
          apiVersion: 'vsecm.com/v1alpha1',
          kind: 'VSecMSecret',
          name: resource.name,
          uid: resource.uid,
          controller: true,
        },
      ],
    },
    type: 'Opaque',
    data: Object.fromEntries([...desired.data].map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}

function emptyBody(namespace: string, name: string, uid: string, resourceVersion: string): unknown {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name, uid, resourceVersion } };
}
