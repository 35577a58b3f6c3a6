import { keyOf, targetOf, type Cluster } from './cluster.ts';
import { contentOf, sourceOf } from './content.ts';
import type { Timeline } from './timeline.ts';

const CONSENT = 'vsecm.com/allow-adoption';

/** How a VSecMSecret's target stands. */
export type State = 'suspended' | 'contested' | 'absent' | 'foreign' | 'wrong' | 'served';

export interface Entry {
  readonly resource: any;
  /** `namespace/name` of the Secret that it names. */
  readonly target: string;
  readonly state: State;
  /** Since when it stands so, Unix milliseconds. */
  readonly since: number;
  /** When its spec last changed. */
  readonly changedAt: number;
}

/** What each live VSecMSecret names, and how that stands: kept by every change, so that nothing has to be searched. */
export class Ledger {
  readonly #cluster: Cluster;
  readonly #timeline: Timeline;
  readonly #entries = new Map<string, Entry>();
  readonly #byTarget = new Map<string, Set<string>>();

  constructor(cluster: Cluster, timeline: Timeline) {
    this.#cluster = cluster;
    this.#timeline = timeline;
    cluster.follow(cluster.resources, ({ now, before }) => this.#resource(now, before));
    cluster.follow(cluster.secrets, ({ now, before }) => this.judge(keyOf(now ?? before)));
  }

  /** By `namespace/name`. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** The live resources that name this Secret. */
  naming(target: string): any[] {
    return [...(this.#byTarget.get(target) ?? [])].flatMap((key) => this.#entries.get(key)?.resource ?? []);
  }

  /** Judges anew all that name this Secret. */
  judge(target: string): void {
    for (const key of this.#byTarget.get(target) ?? []) {
      const entry = this.#entries.get(key)!;
      this.#enter(key, entry.resource, entry);
    }
  }

  #resource(now: any, before: any): void {
    const key = keyOf(now ?? before);
    const was = this.#entries.get(key);
    const alive = now !== undefined && now.metadata.deletionTimestamp === undefined;
    if (was !== undefined) {
      this.#byTarget.get(was.target)?.delete(key);
      this.#entries.delete(key);
    }
    if (alive) {
      const target = `${now.metadata.namespace}/${targetOf(now)}`;
      if (!this.#byTarget.has(target)) this.#byTarget.set(target, new Set());
      this.#byTarget.get(target)!.add(key);
      this.#enter(key, now, was?.resource.metadata.uid === now.metadata.uid ? was : undefined);
      this.judge(target);
    }
    if (was !== undefined) this.judge(was.target);
  }

  #enter(key: string, resource: any, was: Entry | undefined): void {
    const target = `${resource.metadata.namespace}/${targetOf(resource)}`;
    const state = this.#stateOf(resource, target);
    const now = this.#timeline.now;
    const unchanged = was !== undefined && was.resource.metadata.generation === resource.metadata.generation;
    this.#entries.set(key, {
      resource,
      target,
      state,
      since: was?.state === state && was.target === target ? was.since : now,
      changedAt: unchanged ? was.changedAt : now,
    });
  }

  #stateOf(resource: any, target: string): State {
    if (resource.spec.suspend === true) return 'suspended';
    const [namespace = '', name = ''] = target.split('/');
    const secret = this.#cluster.get(this.#cluster.secrets, namespace, name);
    const rivals = this.naming(target).filter((other) => other.metadata.uid !== resource.metadata.uid);
    if (secret === undefined) return rivals.length > 0 ? 'contested' : 'absent';
    const content = contentOf(secret);
    const right = content.is === 'version' && content.secret === sourceOf(resource);
    const owners: string[] = (secret.metadata.ownerReferences ?? []).map((owner: any) => owner.uid);
    if (owners.includes(resource.metadata.uid)) return right ? 'served' : 'wrong';
    if (rivals.length > 0) return 'contested';
    // Somebody else's, taken over with consent or merged into, or left behind under Orphan: nobody owns it.
    const ours = isAgents(secret) || secret.metadata.annotations?.[CONSENT] === 'true';
    if (!ours) return 'foreign';
    if (right && owners.length === 0) return 'served';
    return isAgents(secret) || isApplied(secret) ? 'wrong' : 'foreign';
  }
}

/** Whether an agent made it. */
export const isAgents = (secret: any): boolean =>
  secret.metadata.labels?.['app.kubernetes.io/managed-by'] === 'vsecm-agent';

/** Whether agents hold fields of it. */
const isApplied = (secret: any): boolean =>
  secret.metadata.managedFields?.some(
    ({ manager, fieldsV1 }: any) => manager === 'vsecm-agent' && fieldsV1['f:data'] !== undefined,
  ) === true;
