import type { Setting } from './setting.ts';

/** A fault to be planted: the smallest edit that has it. */
export interface Mutant {
  name: string;
  /** Below agent/. */
  file: string;
  /** Stands there exactly once. */
  from: string;
  to: string;
  /** The kinds of events that show it, and the invariant that catches it. */
  sources: readonly string[];
  invariant: string;
  minutes?: number;
  setting?: Partial<Setting>;
}

const KUBE: readonly Mutant[] = [
  {
    name: 'a watch that says nothing is not noticed',
    file: 'kube/reflector.ts',
    from: 'this.#initial === undefined ? watchdogMs : INITIAL_SILENCE_MS',
    to: '86_400_000',
    sources: ['mutes', 'edits'],
    invariant: 'honesty',
  },
  {
    name: 'a whole state that does not stream is not listed by pages',
    file: 'kube/reflector.ts',
    from: 'this.#pagesUntil = clock.now() + PAGES_MS;',
    to: '',
    sources: ['silences'],
    invariant: 'lateness',
  },
  {
    name: 'a slow refusal counts as health',
    file: 'kube/reflector.ts',
    from: 'this.#acceptedAt = undefined;',
    to: 'this.#acceptedAt = this.#options.clock.now();',
    sources: ['slowFailures'],
    invariant: 'pace',
  },
  {
    name: 'one 404 empties the store',
    file: 'kube/reflector.ts',
    from: 'this.#outage.unknownMs >= UNKNOWN_MS',
    to: 'error.status === 404',
    sources: ['purges'],
    invariant: 'absence',
  },
  {
    name: 'what is gone since the last list stays',
    file: 'kube/reflector.ts',
    from: 'store.retain(keys);',
    to: '',
    sources: ['silences', 'deletions'],
    invariant: 'absence',
  },
  {
    name: 'deletions are not taken',
    file: 'kube/reflector.ts',
    from: 'store.delete(object);',
    to: '',
    sources: ['deletions'],
    invariant: 'absence',
  },
  {
    name: 'what a server wishes is not capped',
    file: 'kube/error.ts',
    from: 'Math.min(number * 1000, LONGEST_WISH_MS)',
    to: 'number * 1000',
    sources: ['absurdities'],
    invariant: 'lateness',
  },
  {
    name: 'requests have no deadline',
    file: 'kube/deadline.ts',
    from: 'if (left > 0) return this.#arm(left);',
    to: "if (left > 0 || this.#code === 'Timeout') return this.#arm(60_000);",
    sources: ['hungWrites', 'rotations'],
    invariant: 'lateness',
  },
  {
    name: 'what is added while it is worked on is forgotten',
    file: 'kube/workqueue.ts',
    from: "if (again !== undefined) this.add(key, { urgent: again === 'urgent' });",
    to: '',
    sources: ['renames', 'moodsOfSafe', 'refreshes', 'deletions'],
    invariant: 'absence',
  },
  {
    name: 'what failed is not tried again',
    file: 'kube/workqueue.ts',
    from: 'retry.cancel = clock.after(delayMs, () => this.add(key));',
    to: '',
    sources: ['outagesOfTheApi', 'deletions', 'edits'],
    invariant: 'absence',
  },
];

const SHARD: readonly Mutant[] = [
  {
    name: 'who stood still goes on from what it knew',
    file: 'shard/suspension.ts',
    from: 'now.even - before.even, now.wall - before.wall) > boundMs',
    to: 'now.even - before.even, now.wall - before.wall) > 1e9',
    sources: ['freezes'],
    invariant: 'mandate',
  },
  {
    name: 'a view of the members has no age',
    file: 'shard/view-age.ts',
    from: 'now - sureAt > this.#blindMs',
    to: 'now - sureAt > 86_400_000',
    sources: ['blindness'],
    invariant: 'mandate',
  },
  {
    name: 'who leaves is given up by nobody',
    file: 'shard/membership.ts',
    from: 'this.#members.delete(name);',
    to: '',
    sources: ['lostNodes'],
    invariant: 'lateness',
  },
];

const SAFE: readonly Mutant[] = [
  {
    name: 'answers are not kept',
    file: 'safe/cache.ts',
    from: 'this.#answers.set(key, fetched);',
    to: '',
    sources: ['rotations', 'deletions'],
    invariant: 'lateness',
  },
  {
    name: 'Safe has no floor',
    file: 'safe/cache.ts',
    from: 'site.lastStart + (floorMs?.(dial) ?? FLOOR_MS) - clock.now()',
    to: 'site.lastStart + 1_000 - clock.now()',
    sources: ['refreshes', 'storms'],
    invariant: 'pace',
  },
  {
    name: 'the next request that was waited for is never sent',
    file: 'safe/cache.ts',
    from: 'this.#proceed(dial, site);',
    to: '',
    sources: ['storms', 'refreshes', 'moodsOfSafe'],
    invariant: 'lateness',
  },
];

/** Faults that the simulation must find. */
export const MUTANTS: readonly Mutant[] = [...KUBE, ...SHARD, ...SAFE];
