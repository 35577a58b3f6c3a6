import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Schedule } from '../schedule.ts';

interface Group {
  readonly dial: string;
  readonly intervalMs: number;
  readonly members: Set<string>;
}

/** Called when a group is due: its members want an answer no older than the tolerance. */
export type OnDue = (dial: string, intervalMs: number) => void;

/**
 * Resources with the same Safe and the same interval are due together, so that one answer serves them all.
 * The moment within the interval is a hash of node, Safe and interval: agents spread out without talking.
 */
export class RefreshGroups {
  readonly #options: { node: string; clock: Clock; schedule: Schedule; onDue: OnDue };
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<string, string>();

  constructor(options: { node: string; clock: Clock; schedule: Schedule; onDue: OnDue }) {
    this.#options = options;
  }

  /** Puts a resource into the group of `dial` and `intervalMs`; an interval of 0 is due never. */
  join(key: string, dial: string, intervalMs: number): void {
    const id = `refresh ${intervalMs} ${dial}`;
    if (this.#groupOf.get(key) === id) return;
    this.leave(key);
    if (intervalMs === 0) return;
    let group = this.#groups.get(id);
    if (!group) {
      group = { dial, intervalMs, members: new Set() };
      this.#groups.set(id, group);
      this.#arm(id, group);
    }
    group.members.add(key);
    this.#groupOf.set(key, id);
  }

  leave(key: string): void {
    const id = this.#groupOf.get(key);
    if (id === undefined) return;
    this.#groupOf.delete(key);
    const group = this.#groups.get(id);
    group?.members.delete(key);
    if (group?.members.size === 0) {
      this.#groups.delete(id);
      this.#options.schedule.delete(id);
    }
  }

  /** When a resource is due next, Unix milliseconds. */
  dueAt(key: string): number | undefined {
    const id = this.#groupOf.get(key);
    return id === undefined ? undefined : this.#options.schedule.dueAt(id);
  }

  /** All groups, with when each is due next, Unix milliseconds. */
  sizes(): { dial: string; intervalMs: number; members: number; dueAt: number | undefined }[] {
    const { schedule } = this.#options;
    return [...this.#groups].map(([id, { dial, intervalMs, members }]) => ({
      dial,
      intervalMs,
      members: members.size,
      dueAt: schedule.dueAt(id),
    }));
  }

  #arm(id: string, group: Group): void {
    const { node, clock, schedule, onDue } = this.#options;
    const phase = phaseOf(node, group.dial, group.intervalMs);
    const now = clock.now();
    const at = phase + (Math.floor((now - phase) / group.intervalMs) + 1) * group.intervalMs;
    schedule.set(id, at, () => {
      this.#arm(id, group);
      onDue(group.dial, group.intervalMs);
    });
  }
}

/** Milliseconds within the interval at which a node's group is due. */
export function phaseOf(node: string, dial: string, intervalMs: number): number {
  const digest = createHash('sha256').update(`${node}\n${dial}\n${intervalMs}`).digest();
  return Number(digest.readBigUInt64BE() % BigInt(Math.ceil(intervalMs)));
}
