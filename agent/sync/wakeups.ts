import { isOutside } from '../api/reasons.ts';
import type { Resource } from '../api/resource.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { Clock } from '../clock.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import type { Schedule } from '../schedule.ts';
import type { StatusWriter } from '../report/status-writer.ts';
import type { Claims } from '../target/claims.ts';
import type { Knowledge } from '../target/knowledge.ts';
import type { OwnedSecrets } from '../target/owned.ts';
import type { Tracked } from './reconciler.ts';

export interface WakeupsOptions {
  node: string;
  tracked: ReadonlyMap<string, Tracked>;
  claims: Claims;
  knowledge: Knowledge;
  owned: OwnedSecrets;
  statuses: Pick<StatusWriter, 'yield'>;
  schedule: Schedule;
  clock: Clock;
  /** Has a resource reconciled soon. */
  enqueue: (key: string, urgent: boolean) => void;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

/** Notes what the watches show, and has the resources reconciled that it concerns; what it means is decided then. */
export class Wakeups {
  readonly #options: WakeupsOptions;
  /** The resource of a uid, for Secrets that it owns and does not name. */
  readonly #keyOf = new Map<string, string>();

  constructor(options: WakeupsOptions) {
    this.#options = options;
  }

  /** The watch saw a VSecMSecret appear, change or go (`now` undefined). */
  resourceChanged(now: Resource | undefined, before: Resource | undefined, key: string): void {
    const { claims, enqueue, tracked, node, statuses } = this.#options;
    if (before && before.uid !== now?.uid) this.#keyOf.delete(before.uid);
    if (now) this.#keyOf.set(now.uid, key);
    for (const other of now ? claims.set(now) : claims.delete(key)) enqueue(other, false);
    if (!now || !before || isChanged(now, before)) return enqueue(key, true);
    const one = tracked.get(key);
    if (!one) return;
    // The term began with a status that was older than this one, and nothing has been told since.
    if (one.facts.told.status === before.status) {
      one.facts = { ...one.facts, told: { ...one.facts.told, status: now.status } };
      enqueue(key, false);
    }
    // Another agent took the resource for its own meanwhile.
    if (now.status.node === before.status.node || now.status.node === node) return;
    one.facts = { ...one.facts, told: { ...one.facts.told, status: now.status } };
    statuses.yield(key);
    // Whoever lost its network, and its namespaces for a while, need not wait for the retry it once settled on.
    one.plan.fetcher?.retryNow();
    enqueue(key, false);
  }

  /** The watch saw a Secret appear, change or go (`now` undefined). */
  secretChanged(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    const { claims, enqueue, tracked, knowledge, owned } = this.#options;
    const seen = now ?? before;
    if (!seen) return;
    knowledge.watched(now, before);
    owned.watched(now, before);
    const claimants = new Set(claims.of(seen.key));
    for (const key of claimants)
      if (!now || now.resourceVersion !== tracked.get(key)?.facts.wrote?.resourceVersion) enqueue(key, false);
    if (claimants.size === 0 && !now) knowledge.forget(seen.key);
    // What a resource left behind when its target was renamed.
    for (const uid of now?.ownerUids ?? []) {
      const key = this.#keyOf.get(uid);
      if (key !== undefined && !claimants.has(key) && tracked.has(key)) enqueue(key, false);
    }
  }

  /** Safe began to fail, fails differently, or recovered: statuses that tell of it, or should, follow. */
  fetcherChanged(fetcher: Fetcher): void {
    const { schedule, clock, tracked, enqueue, quietMs } = this.#options;
    const id = `quiet ${fetcher.dial}`;
    if (!fetcher.failure) {
      schedule.delete(id);
      for (const key of fetcher.members) if (showsTrouble(tracked.get(key))) enqueue(key, false);
      return;
    }
    const { since } = fetcher.failure;
    schedule.set(id, Math.max(clock.now(), since + quietMs), () => {
      for (const key of fetcher.members) enqueue(key, false);
    });
  }
}

function showsTrouble(one: Tracked | undefined): boolean {
  if (!one) return false;
  const { failure, conditions = [] } = one.facts.told.status;
  return (
    (failure && isOutside(failure.code)) ||
    conditions.some(({ type, status }) => type === 'Fresh' && status === 'False')
  );
}

const isChanged = (now: Resource, before: Resource): boolean =>
  now.generation !== before.generation ||
  now.refresh !== before.refresh ||
  now.deleting !== before.deleting ||
  now.uid !== before.uid;
