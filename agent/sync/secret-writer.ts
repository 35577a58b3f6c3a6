import { Failure, type HintContext } from '../api/reasons.ts';
import type { Spec } from '../api/vsecmsecret.ts';
import type { Known } from './applied.ts';
import type { Desired } from '../resolve/desired.ts';
import type { Resource, SecretMeta } from './resource.ts';
import { Conflict, meaningOf, SecretApiError, targetConflict, type SecretApi } from './secret-api.ts';
import { emptyBody, secretBody } from './secret-body.ts';

/** The Secret after a write, and whether the write changed it. */
export interface Written {
  readonly meta: SecretMeta;
  readonly result: 'created' | 'updated' | 'unchanged';
}

export interface WriteRequest {
  resource: Resource;
  target: Spec['target'];
  desired: Desired;
  /** The version to write over; absent: there is no such Secret. */
  over: Known | undefined;
  /** Asked right before the request: ownership may have moved meanwhile. */
  mayWrite: () => boolean;
}

/** Writes Secrets by server-side apply so that nothing of anybody else is ever overwritten. */
export class SecretWriter {
  readonly #api: SecretApi;
  /** UIDs of Secrets of others that the first write met. */
  readonly #strayed = new Set<string>();

  constructor(options: { api: SecretApi }) {
    this.#api = options.api;
  }

  /**
   * Looks a target up.
   * @throws Failure of stage write
   */
  async look(resource: Resource, target: string): Promise<SecretMeta | undefined> {
    return this.#asking(resource, target, () => this.#api.look(resource.namespace, target));
  }

  /**
   * Makes the Secret hold what is desired.
   * @throws Conflict, NamespaceTerminating, Failure of stage write
   */
  async write(request: WriteRequest): Promise<Written> {
    const { resource, target, desired, over, mayWrite } = request;
    return this.#asking(resource, target.name, async () => {
      if (!mayWrite()) throw new Conflict('owned by another agent now');
      if (!over) return this.#create(request);
      // Merge never takes a field over; Owner and Orphan hold what they declare.
      const force = target.creationPolicy !== 'Merge';
      const { meta } = await this.#api.apply(
        resource.namespace,
        target.name,
        secretBody(resource, target, desired, over),
        force,
      );
      return { meta, result: meta.resourceVersion === over.resourceVersion ? 'unchanged' : 'updated' };
    });
  }

  /** Deletes the Secret of a target that was renamed, if this resource owns it still. */
  async removeFormer(resource: Resource, former: string): Promise<void> {
    try {
      const found = await this.#api.look(resource.namespace, former);
      if (found && !found.deleting && found.ownerUids.includes(resource.uid)) await this.#api.delete(found);
    } catch (error) {
      if (!(error instanceof SecretApiError)) throw error;
      // Somebody was faster, or made it theirs.
      if (error.refusal === 'stale' || error.refusal === 'missing') return;
      throw meaningOf(error, former, contextOf(resource, former));
    }
  }

  /**
   * The first write onto an absent target. It does not force: what is forced and given back again is
   * destroyed, with the other manager's value (seen on kube-apiserver 1.37).
   */
  async #create({ resource, target, desired }: WriteRequest): Promise<Written> {
    const { namespace } = resource;
    const context = contextOf(resource, target.name);
    if (target.creationPolicy === 'Merge') {
      throw new Failure('TargetMissing', `Secret ${target.name}, into which to merge, does not exist`, {
        context,
      });
    }
    let result;
    try {
      result = await this.#api.apply(namespace, target.name, secretBody(resource, target, desired), false);
    } catch (error) {
      if (!(error instanceof SecretApiError) || error.refusal !== 'forbidden') throw error;
      // The admission policy answers 403 to a write onto somebody's Secret, RBAC to any write.
      const found = await this.#api.look(namespace, target.name);
      throw found && !isOurs(found, resource) ? targetConflict(target.name, context) : error;
    }
    const { created, meta } = result;
    if (created) return { meta, result: 'created' };
    // Somebody created it between look and apply. Another agent: leave all as it is, giving back would
    // empty the Secret that both mean. Anybody else: give back what we share now.
    if (!meta.othersWrite) throw new Conflict('another agent created it');
    this.#strayed.add(meta.uid);
    await this.giveBack(resource, meta);
    throw targetConflict(target.name, context);
  }

  /** Whether fields of somebody else's Secret became ours by mistake, and were not given back yet. */
  hasStrayed(meta: SecretMeta): boolean {
    return this.#strayed.has(meta.uid);
  }

  /**
   * Gives such fields back, if the server lets us; an admission policy may not.
   * @throws Conflict if the Secret changed meanwhile
   */
  async giveBack(resource: Resource, meta: SecretMeta): Promise<void> {
    const { namespace, name, uid } = meta;
    await this.#asking(resource, name, async () => {
      try {
        await this.#api.apply(namespace, name, emptyBody(namespace, name, meta), false);
        this.#strayed.delete(uid);
      } catch (error) {
        if (!(error instanceof SecretApiError) || error.refusal !== 'forbidden') throw error;
      }
    });
  }

  async #asking<T>(resource: Resource, target: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof SecretApiError ? meaningOf(error, target, contextOf(resource, target)) : error;
    }
  }
}

/**
 * Whether a Secret is this resource's to write: it owns it, or an agent wrote it. Which of several
 * VSecMSecrets may is decided before; a Secret whose owner went, also in an uninstallation that kept
 * Secrets, is taken up again.
 */
export function isOurs(meta: SecretMeta, resource: Resource): boolean {
  return meta.ownerUids.includes(resource.uid) || meta.appliedAt !== undefined;
}

const contextOf = (resource: Resource, target: string): HintContext => ({
  namespace: resource.namespace,
  name: resource.name,
  target,
});
