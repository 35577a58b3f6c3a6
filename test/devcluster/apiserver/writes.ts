import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { load } from 'js-yaml';
import { apiVersionOf } from '../resources.ts';
import type { RequestInfo } from '../request-info.ts';
import { alreadyExists, ApiError, badRequest, conflict, invalid, notFound } from './api-error.ts';
import { normalise, problemsOf } from './kind-rules.ts';
import type { Kind, Kinds } from './kinds.ts';
import { applyFields, sameFields, updateFields, type Writer } from './managed-fields.ts';
import { jsonPatch, mergePatch } from './merge.ts';
import { prune } from './schema.ts';
import type { Store } from './store.ts';

/** Where a write goes and who writes. */
export interface Target {
  kind: Kind;
  info: RequestInfo;
  /** From the User-Agent, for writes that name no field manager. */
  userAgent: string;
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** create, update, patch. Each returns the status and the object as stored. */
export class Writes {
  readonly #store: Store;
  readonly #kinds: Kinds;

  constructor(store: Store, kinds: Kinds) {
    this.#store = store;
    this.#kinds = kinds;
  }

  create(target: Target, given: any): any {
    const { kind, info } = target;
    const { generateName, name = generateName === undefined ? undefined : generateName + randomBytes(3).toString('hex').slice(0, 5) } = given.metadata ?? {};
    if (name === undefined) throw invalid(kind, '', [{ reason: 'FieldValueRequired', message: 'name or generateName is required', field: 'metadata.name' }]);
    if (this.#store.get(kind, info.namespace, name) !== undefined) throw alreadyExists(kind, name);
    return this.#insert(target, name, given, (object) => updateFields({ metadata: {} }, object, kind.shape, writerOf(target, 'Update')));
  }

  update(target: Target, given: any): any {
    const { kind, info } = target;
    const live = this.#live(kind, info);
    if (kind.schema !== undefined && !given.metadata?.resourceVersion) {
      throw invalid(kind, info.name, [{ reason: 'FieldValueInvalid', message: 'must be specified for an update', field: 'metadata.resourceVersion' }]);
    }
    return this.#replace(target, live, given);
  }

  patch(target: Target, type: string, body: string): { status: 200 | 201; object: any } {
    if (type.startsWith('application/apply-patch+yaml')) return this.#apply(target, load(body));
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
    const writer = writerOf(target, 'Apply');
    if (!info.query.get('fieldManager')) {
      throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [{ reason: 'FieldValueRequired', message: 'is required for apply patch', field: 'fieldManager' }]);
    }
    if (given?.kind !== kind.kind || given.apiVersion !== apiVersionOf(kind)) throw badRequest('invalid object type');
    if ((given.metadata?.name ?? info.name) !== info.name) throw badRequest('the name of the object does not match the name on the URL');
    if (given.metadata?.managedFields != null) throw badRequest('metadata.managedFields must be nil');
    const force = info.query.get('force') === 'true';
    const applied = scoped(kind, info.subresource, given);
    if (kind.schema !== undefined) {
      const unknown = prune(structuredClone(applied), kind.schema);
      if (unknown.length > 0) throw new ApiError(500, '', `failed to create typed patch object: ${unknown[0]}: field not declared in schema`);
    }
    const live = this.#store.get(kind, info.namespace, info.name);
    if (live === undefined) {
      if (info.subresource !== '') throw notFound(kind, info.name);
      if (given.metadata?.uid) throw conflict(kind, info.name, `uid mismatch: the provided object specified uid ${given.metadata.uid}, and no existing object was found`);
      const object = this.#insert(target, info.name, applied, () => applyFields({ metadata: {} }, applied, kind.shape, writer, force));
      return { status: 201, object };
    }
    const merged = applyFields(live, applied, kind.shape, writer, force);
    return { status: 200, object: this.#settle(target, live, { ...merged, metadata: { ...merged.metadata, uid: given.metadata?.uid ?? live.metadata.uid, resourceVersion: given.metadata?.resourceVersion } }) };
  }

  /** Stores a new object; `own` writes its managedFields. */
  #insert(target: Target, name: string, given: any, own: (object: any) => any): any {
    const { kind, info } = target;
    if (kind.namespaced) this.#checkNamespace(kind, info.namespace, name);
    const { namespace: _, managedFields: __, resourceVersion: ___, ...metadata } = given.metadata ?? {};
    const identity = {
      name,
      ...(kind.namespaced ? { namespace: info.namespace } : {}),
      uid: randomUUID(),
      creationTimestamp: `${new Date().toISOString().slice(0, 19)}Z`,
      ...(kind.generation ? { generation: 1 } : {}),
    };
    const object = this.#complete(kind, { ...given, metadata: { ...metadata, ...identity } }, undefined);
    if (kind.status && kind.kind !== 'Namespace') delete object.status;
    const managed = own(object).metadata.managedFields;
    const stored = this.#complete(kind, { ...object, metadata: { ...object.metadata, managedFields: managed } }, undefined);
    return this.#put(kind, stored);
  }

  /** Stores what an update or a patch proposes in the place of `live`. */
  #replace(target: Target, live: any, proposed: any): any {
    const { kind, info } = target;
    const { status, ...main } = proposed;
    const { status: liveStatus, ...liveMain } = live;
    const { managedFields } = live.metadata;
    const next =
      info.subresource === 'status'
        ? { ...liveMain, status, metadata: { ...live.metadata, resourceVersion: proposed.metadata?.resourceVersion } }
        : { ...main, status: kind.status ? liveStatus : status, metadata: { ...proposed.metadata, managedFields } };
    const complete = this.#complete(kind, next, live);
    return this.#settle(target, live, updateFields(live, complete, kind.shape, writerOf(target, 'Update')));
  }

  /** Stores `proposed` in the place of `live` if it may be and if it differs. */
  #settle({ kind, info }: Target, live: any, proposed: any): any {
    const { uid, resourceVersion } = proposed.metadata;
    if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) throw conflict(kind, info.name, MODIFIED);
    if (uid && uid !== live.metadata.uid) {
      throw invalid(kind, info.name, [{ reason: 'FieldValueInvalid', message: 'field is immutable', field: 'metadata.uid' }]);
    }
    const { labels, annotations, ownerReferences, finalizers, managedFields } = proposed.metadata;
    const fixed = { labels, annotations, ownerReferences, finalizers, managedFields };
    const next = this.#complete(kind, { ...proposed, metadata: { ...live.metadata, ...fixed } }, live);
    if (isDeepStrictEqual(contentOf(next), contentOf(live)) && sameFields(next, live)) return live;
    if (kind.generation && !isDeepStrictEqual(specOf(next), specOf(live))) next.metadata.generation = live.metadata.generation + 1;
    if (next.metadata.deletionTimestamp !== undefined && next.metadata.finalizers === undefined) {
      this.#store.remove(kind, next);
      return next;
    }
    return this.#put(kind, next);
  }

  #put(kind: Kind, object: any): any {
    if (kind.kind !== 'CustomResourceDefinition') return this.#store.put(kind, object);
    const crd = established(object);
    this.#store.restart(this.#kinds.define(crd));
    return this.#store.put(kind, crd);
  }

  #complete(kind: Kind, object: any, live: any): any {
    const complete = normalise(kind, object);
    if (kind.schema !== undefined) prune(complete, kind.schema);
    const problems = problemsOf(kind, complete, live);
    if (problems.length > 0) throw invalid(kind, complete.metadata.name, problems);
    return complete;
  }

  #live(kind: Kind, { namespace, name }: RequestInfo): any {
    const live = this.#store.get(kind, namespace, name);
    if (live === undefined) throw notFound(kind, name);
    return live;
  }

  #checkNamespace(kind: Kind, name: string, object: string): void {
    const namespaces = this.#kinds.find('', 'v1', 'namespaces')!;
    const namespace = this.#store.get(namespaces, '', name);
    if (namespace === undefined) throw notFound(namespaces, name);
    if (namespace.metadata.deletionTimestamp === undefined) return;
    throw new ApiError(403, 'Forbidden', `${kind.plural} "${object}" is forbidden: unable to create new content in namespace ${name} because it is being terminated`, {
      name: object,
      kind: kind.plural,
      causes: [{ reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' }],
    });
  }
}

const writerOf = ({ kind, info, userAgent }: Target, operation: Writer['operation']): Writer => ({
  manager: info.query.get('fieldManager') || userAgent.split('/')[0] || 'unknown',
  operation,
  subresource: info.subresource,
  apiVersion: apiVersionOf(kind),
});

/** Only what a write through this subresource may touch. */
function scoped(kind: Kind, subresource: string, given: any): any {
  const { status, ...main } = given;
  if (subresource === 'status') return { apiVersion: given.apiVersion, kind: given.kind, metadata: {}, ...(status === undefined ? {} : { status }) };
  return kind.status ? main : given;
}

const contentOf = ({ metadata: { managedFields: _, ...metadata }, ...object }: any): unknown => ({ ...object, metadata });
const specOf = ({ metadata: _, status: __, ...spec }: any): unknown => spec;

function established(crd: any): any {
  const condition = (type: string): object => ({ type, status: 'True', reason: 'DevelopmentServer', message: '' });
  const { names, versions } = crd.spec;
  return {
    ...crd,
    status: {
      conditions: [condition('NamesAccepted'), condition('Established')],
      acceptedNames: names,
      storedVersions: versions.filter((version: any) => version.storage).map((version: any) => version.name),
    },
  };
}
