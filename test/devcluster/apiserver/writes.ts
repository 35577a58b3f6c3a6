import { randomBytes } from 'node:crypto';
import { load } from 'js-yaml';
import type { RequestInfo } from '../request-info.ts';
import { apiVersionOf } from '../resources.ts';
import { alreadyExists, ApiError, badRequest, conflict, invalid, notFound } from './api-error.ts';
import { Intake, type Target } from './intake.ts';
import type { Kind, Kinds } from './kinds.ts';
import { applyFields, updateFields, type Writer, type Writing } from './managed-fields.ts';
import { jsonPatch, mergePatch } from './merge.ts';
import { prune } from './schema.ts';
import type { Store } from './store.ts';

/** create, update, patch. Each returns the status and the object as stored. */
export class Writes {
  readonly #store: Store;
  readonly #intake: Intake;

  constructor(store: Store, kinds: Kinds) {
    this.#store = store;
    this.#intake = new Intake(store, kinds);
  }

  create(target: Target, given: any): any {
    const { kind, info } = target;
    const {
      generateName,
      name = generateName === undefined
        ? undefined
        : generateName + randomBytes(3).toString('hex').slice(0, 5),
    } = given.metadata ?? {};
    if (name === undefined)
      throw invalid(kind, '', [
        { reason: 'FieldValueRequired', message: 'name or generateName is required', field: 'metadata.name' },
      ]);
    if (this.#store.get(kind, info.namespace, name) !== undefined) throw alreadyExists(kind, name);
    return this.#intake.insert(target, name, given, (object) =>
      updateFields({ metadata: {} }, object, kind.shape, this.#writing(target, 'Update')),
    );
  }

  update(target: Target, given: any): any {
    const { kind, info } = target;
    const live = this.#live(kind, info);
    if (kind.schema !== undefined && !given.metadata?.resourceVersion) {
      throw invalid(kind, info.name, [
        {
          reason: 'FieldValueInvalid',
          message: 'must be specified for an update',
          field: 'metadata.resourceVersion',
        },
      ]);
    }
    return this.#replace(target, live, given);
  }

  patch(target: Target, type: string, body: string): { status: 200 | 201; object: any } {
    if (type.startsWith('application/apply-patch+yaml'))
      return this.#apply(target, body.startsWith('{') ? JSON.parse(body) : load(body));
    const live = this.#live(target.kind, target.info);
    const patched = (): any => {
      if (type.startsWith('application/merge-patch+json')) return mergePatch(live, JSON.parse(body));
      if (type.startsWith('application/json-patch+json')) return jsonPatch(live, JSON.parse(body));
      throw new ApiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type');
    };
    return { status: 200, object: this.#replace(target, live, patched()) };
  }

  #apply(target: Target, given: any): { status: 200 | 201; object: any } {
    const { kind, info } = target;
    const writer = this.#writing(target, 'Apply');
    if (!info.query.get('fieldManager')) {
      throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
        { reason: 'FieldValueRequired', message: 'is required for apply patch', field: 'fieldManager' },
      ]);
    }
    if (given?.kind !== kind.kind || given.apiVersion !== apiVersionOf(kind))
      throw badRequest('invalid object type');
    if ((given.metadata?.name ?? info.name) !== info.name)
      throw badRequest('the name of the object does not match the name on the URL');
    if (given.metadata?.managedFields != null) throw badRequest('metadata.managedFields must be nil');
    const force = info.query.get('force') === 'true';
    const applied = scoped(kind, info.subresource, given);
    if (kind.schema !== undefined) {
      const unknown = prune(structuredClone(applied), kind.schema);
      if (unknown.length > 0)
        throw new ApiError(
          500,
          '',
          `failed to create typed patch object: ${unknown[0]}: field not declared in schema`,
        );
    }
    const live = this.#store.get(kind, info.namespace, info.name);
    if (live === undefined) {
      if (info.subresource !== '') throw notFound(kind, info.name);
      if (given.metadata?.uid)
        throw conflict(
          kind,
          info.name,
          `uid mismatch: the provided object specified uid ${given.metadata.uid}, and no existing object was found`,
        );
      const object = this.#intake.insert(target, info.name, applied, () =>
        applyFields({ metadata: {} }, applied, kind.shape, writer, force),
      );
      return { status: 201, object };
    }
    const merged = applyFields(live, applied, kind.shape, writer, force);
    return {
      status: 200,
      object: this.#intake.settle(target, live, {
        ...merged,
        metadata: {
          ...merged.metadata,
          uid: given.metadata?.uid ?? live.metadata.uid,
          resourceVersion: given.metadata?.resourceVersion,
        },
      }),
    };
  }

  /** Stores what an update or a patch proposes in the place of `live`. */
  #replace(target: Target, live: any, proposed: any): any {
    const { kind, info } = target;
    const { status, ...main } = proposed;
    const { status: liveStatus, ...liveMain } = live;
    const { managedFields } = live.metadata;
    const next =
      info.subresource === 'status'
        ? {
            ...liveMain,
            status,
            metadata: { ...live.metadata, resourceVersion: proposed.metadata?.resourceVersion },
          }
        : {
            ...main,
            status: kind.status ? liveStatus : status,
            metadata: { ...proposed.metadata, managedFields },
          };
    const complete = this.#intake.complete(kind, next, live);
    return this.#intake.settle(
      target,
      live,
      updateFields(live, complete, kind.shape, this.#writing(target, 'Update')),
    );
  }

  #writing({ kind, info, userAgent }: Target, operation: Writer['operation']): Writing {
    return {
      manager: info.query.get('fieldManager') || userAgent.split('/')[0] || 'unknown',
      operation,
      subresource: info.subresource,
      apiVersion: apiVersionOf(kind),
      at: this.#store.date(),
    };
  }

  #live(kind: Kind, { namespace, name }: RequestInfo): any {
    const live = this.#store.get(kind, namespace, name);
    if (live === undefined) throw notFound(kind, name);
    return live;
  }
}

/** Only what a write through this subresource may touch. */
function scoped(kind: Kind, subresource: string, given: any): any {
  const { status, ...main } = given;
  if (subresource === 'status')
    return {
      apiVersion: given.apiVersion,
      kind: given.kind,
      metadata: {},
      ...(status === undefined ? {} : { status }),
    };
  return kind.status ? main : given;
}
