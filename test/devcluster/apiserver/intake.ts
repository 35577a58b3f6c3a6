import { isDeepStrictEqual } from 'node:util';
import type { RequestInfo } from '../request-info.ts';
import { ApiError, conflict, invalid, notFound } from './api-error.ts';
import { normalise, problemsOf } from './kind-rules.ts';
import { established, type Kind, type Kinds } from './kinds.ts';
import { sameFields } from './managed-fields.ts';
import { prune } from './schema.ts';
import { versioned, type Store } from './store.ts';

/** Where a write goes and who writes. */
export interface Target {
  kind: Kind;
  info: RequestInfo;
  /** From the User-Agent, for writes that name no field manager. */
  userAgent: string;
}

const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

/** The last step of every write: what may be stored, and as what. */
export class Intake {
  readonly #store: Store;
  readonly #kinds: Kinds;

  constructor(store: Store, kinds: Kinds) {
    this.#store = store;
    this.#kinds = kinds;
  }

  /** Stores a new object; `own` writes its managedFields. */
  insert(target: Target, name: string, given: any, own: (object: any) => any): any {
    const { kind, info } = target;
    if (kind.namespaced) this.#checkNamespace(kind, info.namespace, name);
    const { namespace: _, managedFields: __, resourceVersion: ___, ...metadata } = given.metadata ?? {};
    const identity = {
      name,
      ...(kind.namespaced ? { namespace: info.namespace } : {}),
      uid: this.#store.uid(),
      creationTimestamp: this.#store.date(),
      ...(kind.generation ? { generation: 1 } : {}),
    };
    const object = this.complete(kind, { ...given, metadata: { ...metadata, ...identity } }, undefined);
    if (kind.status && kind.kind !== 'Namespace') delete object.status;
    const managed = own(object).metadata.managedFields;
    const stored = this.complete(
      kind,
      { ...object, metadata: { ...object.metadata, managedFields: managed } },
      undefined,
    );
    return isTrial(info) ? stored : this.#put(kind, stored);
  }

  /** Stores `proposed` in the place of `live` if it may be and if it differs. */
  settle({ kind, info }: Target, live: any, proposed: any): any {
    const { uid, resourceVersion } = proposed.metadata;
    if (resourceVersion && resourceVersion !== live.metadata.resourceVersion)
      throw conflict(kind, info.name, MODIFIED);
    if (uid && uid !== live.metadata.uid) {
      throw invalid(kind, info.name, [
        { reason: 'FieldValueInvalid', message: 'field is immutable', field: 'metadata.uid' },
      ]);
    }
    const { labels, annotations, ownerReferences, finalizers, managedFields } = proposed.metadata;
    const fixed = { labels, annotations, ownerReferences, finalizers, managedFields };
    const next = this.complete(kind, { ...proposed, metadata: { ...live.metadata, ...fixed } }, live);
    if (isDeepStrictEqual(contentOf(next), contentOf(live)) && sameFields(next, live)) return live;
    if (kind.generation && !isDeepStrictEqual(specOf(next), specOf(live)))
      next.metadata.generation = live.metadata.generation + 1;
    if (isTrial(info)) return versioned(next, Number(live.metadata.resourceVersion));
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

  /** The object as its kind stores it; throws what is wrong with it. */
  complete(kind: Kind, object: any, live: any): any {
    const complete = normalise(kind, object);
    if (kind.schema !== undefined) prune(complete, kind.schema);
    const problems = problemsOf(kind, complete, live);
    if (problems.length > 0) throw invalid(kind, complete.metadata.name, problems);
    return complete;
  }

  #checkNamespace(kind: Kind, name: string, object: string): void {
    const namespaces = this.#kinds.find('', 'v1', 'namespaces')!;
    const namespace = this.#store.get(namespaces, '', name);
    if (namespace === undefined) throw notFound(namespaces, name);
    if (namespace.metadata.deletionTimestamp === undefined) return;
    throw new ApiError(
      403,
      'Forbidden',
      `${kind.plural} "${object}" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
      {
        name: object,
        kind: kind.plural,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${name} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    );
  }
}

/** Whether all is to be checked and nothing stored. */
const isTrial = ({ query }: RequestInfo): boolean => query.get('dryRun') === 'All';

const contentOf = ({ metadata: { managedFields: _, ...metadata }, ...object }: any): unknown => ({
  ...object,
  metadata,
});
const specOf = ({ metadata: _, status: __, ...spec }: any): unknown => spec;
