import { ApiError } from '../devcluster/apiserver/api-error.ts';
import { Chance } from './chance.ts';
import { resourcePath, secretPath, type Cluster } from './cluster.ts';
import type { Timeline } from './timeline.ts';

const WRITER = 'garbage-collector';

/** Deletes Secrets whose owners are all gone, a moment later, and does what the finalizers of deletion ask. */
export class GarbageCollector {
  readonly #cluster: Cluster;
  readonly #timeline: Timeline;
  readonly #chance: Chance;

  constructor(seed: number, cluster: Cluster, timeline: Timeline) {
    this.#cluster = cluster;
    this.#timeline = timeline;
    this.#chance = new Chance(seed, WRITER, () => timeline.now);
  }

  start(): void {
    const cluster = this.#cluster;
    cluster.follow(cluster.resources, ({ now, before }) => {
      if (now === undefined) this.#soon(() => this.#collect(before.metadata.namespace));
      else if (now.metadata.deletionTimestamp !== undefined) this.#soon(() => this.#finalize(now));
    });
    cluster.follow(cluster.secrets, ({ now }) => {
      if (now?.metadata.ownerReferences) this.#soon(() => this.#collect(now.metadata.namespace));
    });
  }

  #soon(run: () => void): void {
    this.#timeline.after(this.#chance.between(40, 300), run);
  }

  #collect(namespace: string): void {
    const { store, resources, secrets } = this.#cluster;
    const alive = new Set(store.list(resources, namespace).map(({ metadata }) => metadata.uid));
    for (const { metadata } of store.list(secrets, namespace)) {
      const owners: { uid: string }[] = metadata.ownerReferences ?? [];
      if (owners.every(({ uid }) => alive.has(uid))) continue;
      const left = owners.filter(({ uid }) => alive.has(uid));
      const path = secretPath(namespace, metadata.name);
      const preconditions = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
      if (left.length === 0) this.#do('DELETE', path, { preconditions });
      else this.#do('PATCH', path, { metadata: { ownerReferences: left } });
    }
  }

  /** Nothing of the agent's blocks the deletion of its owner, so `foregroundDeletion` has nothing to wait for. */
  #finalize(resource: any): void {
    const { namespace, name, uid, finalizers = [] } = resource.metadata;
    const live = this.#cluster.get(this.#cluster.resources, namespace, name);
    if (live?.metadata.uid !== uid || finalizers.length === 0) return;
    if (finalizers.includes('orphan')) {
      for (const { metadata } of this.#cluster.store.list(this.#cluster.secrets, namespace)) {
        const owners: { uid: string }[] = metadata.ownerReferences ?? [];
        if (!owners.some((owner) => owner.uid === uid)) continue;
        const left = owners.filter((owner) => owner.uid !== uid);
        this.#do('PATCH', secretPath(namespace, metadata.name), {
          metadata: { ownerReferences: left.length > 0 ? left : null },
        });
      }
    }
    // A moment later, as the real one does, so that others see what comes between.
    this.#soon(() => this.#do('PATCH', resourcePath(namespace, name), { metadata: { finalizers: null } }));
  }

  #do(method: string, path: string, body: object): void {
    try {
      this.#cluster.do(WRITER, method, path, body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
