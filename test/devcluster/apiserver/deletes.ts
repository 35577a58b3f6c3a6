import type { RequestInfo } from '../request-info.ts';
import { conflict, notFound } from './api-error.ts';
import type { Kind, Kinds } from './kinds.ts';
import type { Store } from './store.ts';

/** delete, with preconditions. There is no garbage collection: a propagation policy is read and forgotten. */
export class Deletes {
  readonly #store: Store;
  readonly #kinds: Kinds;

  constructor(store: Store, kinds: Kinds) {
    this.#store = store;
    this.#kinds = kinds;
  }

  /** The answer's body: the object if it waits for finalizers, else a Status. */
  delete(kind: Kind, { namespace, name }: RequestInfo, options: any): any {
    const live = this.#store.get(kind, namespace, name);
    if (live === undefined) throw notFound(kind, name);
    const { uid, resourceVersion } = options?.preconditions ?? {};
    const subject = { group: '', plural: kind.kind };
    if (uid != null && uid !== live.metadata.uid)
      throw conflict(subject, name, 'the UID in the precondition does not match the UID in record');
    if (resourceVersion != null && resourceVersion !== live.metadata.resourceVersion) {
      throw conflict(
        subject,
        name,
        'the ResourceVersion in the precondition does not match the ResourceVersion in record',
      );
    }
    if (kind.kind === 'Namespace')
      return this.#store.put(kind, { ...this.#doomed(kind, live), status: { phase: 'Terminating' } });
    if (live.metadata.finalizers !== undefined) return this.#store.put(kind, this.#doomed(kind, live));
    if (kind.kind === 'CustomResourceDefinition') this.#undefine(live);
    this.#store.remove(kind, live);
    const details = {
      name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.plural,
      uid: live.metadata.uid,
    };
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  }

  #doomed(kind: Kind, live: any): any {
    if (live.metadata.deletionTimestamp !== undefined) return live;
    const metadata = {
      ...live.metadata,
      deletionTimestamp: this.#store.date(),
      ...(kind.kind === 'Namespace' ? {} : { deletionGracePeriodSeconds: 0 }),
      ...(kind.generation ? { generation: live.metadata.generation + 1 } : {}),
    };
    return { ...live, metadata };
  }

  /** With its definition go the objects of a kind. */
  #undefine(crd: any): void {
    const kind = this.#kinds.find(
      crd.spec.group,
      crd.spec.versions.find((version: any) => version.storage).name,
      crd.spec.names.plural,
    );
    if (kind === undefined) return;
    for (const object of this.#store.list(kind, '')) this.#store.remove(kind, object);
    this.#store.restart(kind);
    this.#kinds.forget(kind);
  }
}
