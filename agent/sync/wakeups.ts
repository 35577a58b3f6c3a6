import { isOutside } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import type { Claims } from './claims.ts';
import type { Memory } from './memory.ts';
import type { Resource, SecretMeta } from './resource.ts';
import type { Schedule } from './schedule.ts';
import type { SafeSource } from './source.ts';

export interface WakeupsOptions {
  node: string;
  memories: ReadonlyMap<string, Memory>;
  claims: Claims;
  schedule: Schedule;
  clock: Clock;
  /** Has a resource looked at soon. */
  enqueue: (key: string, urgent: boolean) => void;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

/** Turns what happens around a resource into another look at it; the look itself decides what that means. */
export class Wakeups {
  readonly #options: WakeupsOptions;

  constructor(options: WakeupsOptions) {
    this.#options = options;
  }

  /** The watch saw a VSecMSecret appear, change or go (`now` undefined). */
  resourceChanged(now: Resource | undefined, before: Resource | undefined, key: string): void {
    const { claims, enqueue, memories, node } = this.#options;
    for (const other of now ? claims.set(now) : claims.delete(key)) enqueue(other, false);
    if (!now || !before || isChanged(now, before)) return enqueue(key, true);
    // Another agent took the resource for its own meanwhile.
    const memory = memories.get(key);
    if (!memory || now.status.node === before.status.node || now.status.node === node) return;
    memory.status = now.status;
    // Whoever lost its network, and its namespaces for a while, need not wait for the retry it once settled on.
    memory.source?.retryNow();
    enqueue(key, false);
  }

  /** The watch saw a Secret appear, change or go (`now` undefined). */
  secretChanged(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    const { claims, enqueue, memories } = this.#options;
    const seen = now ?? before;
    if (!seen) return;
    for (const key of claims.of(seen.key)) {
      const memory = memories.get(key);
      if (!memory) continue;
      const { applied } = memory;
      // Gone, or without the label that the watch selects by; perhaps while a write's answer was under way.
      if (!now) memory.lookFirst = true;
      if (!now || now.resourceVersion !== applied?.resourceVersion) enqueue(key, false);
    }
  }

  /** A group is due: resources that failed by themselves are tried again; who waits for Safe is woken by it. */
  due(members: ReadonlySet<string>): void {
    const { memories, enqueue } = this.#options;
    for (const key of members) {
      const failure = memories.get(key)?.failure;
      if (failure && !isOutside(failure.code)) enqueue(key, false);
    }
  }

  /** Safe began to fail, fails differently, or recovered: statuses that tell of it, or should, follow. */
  sourceChanged(source: SafeSource): void {
    const { schedule, clock, memories, enqueue, quietMs } = this.#options;
    const id = `quiet ${source.dial}`;
    if (!source.failure) {
      schedule.delete(id);
      for (const key of source.members) if (showsTrouble(memories.get(key))) enqueue(key, false);
      return;
    }
    const { since } = source.failure;
    schedule.set(id, Math.max(clock.now(), since + quietMs), () => {
      for (const key of source.members) enqueue(key, false);
    });
    for (const key of source.members) {
      const limit = memories.get(key)?.spec?.maxStalenessMs;
      if (limit !== undefined) schedule.set(`stale ${key}`, since + limit, () => enqueue(key, false));
    }
  }
}

function showsTrouble(memory: Memory | undefined): boolean {
  if (!memory) return false;
  const { failure, conditions = [] } = memory.status;
  return (
    (failure && isOutside(failure.code)) ||
    conditions.some((one) => one.type === 'Fresh' && one.status === 'False')
  );
}

const isChanged = (now: Resource, before: Resource): boolean =>
  now.generation !== before.generation ||
  now.refresh !== before.refresh ||
  now.deleting !== before.deleting ||
  now.uid !== before.uid;
