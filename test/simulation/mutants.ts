import type { Setting } from './setting.ts';

export interface Edit {
  /** Below agent/. */
  file: string;
  /** Stands there exactly once. */
  from: string;
  to: string;
}

/** A fault to be planted: the smallest edit that has it. */
export interface Mutant extends Edit {
  name: string;
  /** Where it takes two edits, because the agent is guarded twice. */
  also?: Edit;
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
    also: { file: 'fetch/fetchers.ts', from: 'clock.now() + LINGER_MS', to: 'clock.now()' },
    sources: ['purges'],
    invariant: 'absence',
    setting: { agents: 1, intervals: ['30s'] },
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
    from: 'site.answers.set(key, fetched);',
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
];

/** The smallest forms of what was once done to Secrets. */
const CORE: readonly Mutant[] = [
  {
    name: 'a first write takes what is there',
    file: 'target/secret-body.ts',
    from: '{ resourceVersion: NEVER }',
    to: '{}',
    sources: ['consents'],
    invariant: 'foreign',
  },
  {
    name: 'what a cache that lags says decides after a deletion was seen',
    file: 'target/knowledge.ts',
    from: "if (meta && before && meta.uid !== before.uid) return;\n      this.#learn(entry, 'gone', undefined, this.#clock.now());",
    to: "entry.how = 'doubted';\n      entry.changes += 1;",
    also: {
      file: 'target/kube-secrets.ts',
      from: "client.request({ method: 'GET', path, accept: METADATA })",
      to: "client.request({ method: 'GET', path, accept: METADATA, query: { resourceVersion: '0' } })",
    },
    sources: ['deletions'],
    invariant: 'absence',
  },
  {
    name: 'what another agent wrote counts as somebody’s edit',
    file: 'target/knowledge.ts',
    from: '!before || before.uid !== now.uid || before.appliedAt !== now.appliedAt',
    to: '!before || before.uid !== now.uid',
    also: {
      file: 'target/knowledge.ts',
      from: "before.others !== now.others || before.ours !== now.ours ? 'somebody' : 'agent'",
      to: "'somebody'",
    },
    sources: ['duels'],
    invariant: 'order',
    setting: { intervals: ['30s'] },
  },
  {
    name: 'what agents wrote over is not written over from newer answers alone',
    file: 'decide/freshness.ts',
    from: 'target.agentWroteAt ?? -Infinity,',
    to: '-Infinity,',
    sources: ['storms'],
    invariant: 'order',
  },
  {
    name: 'what agents mark as managed is theirs',
    file: 'decide/verdict.ts',
    from: 'meta.ownerUids.includes(resource.uid) || meta.createdByAgent;',
    to: 'meta.appliedAt !== undefined || meta.ownerUids.includes(resource.uid) || meta.createdByAgent;',
    also: {
      file: 'target/secret-body.ts',
      from: '(!over || over.createdByAgent || over.ownerUids.includes(resource.uid)) && {',
      to: '{',
    },
    sources: ['mergers'],
    invariant: 'foreign',
  },
  {
    name: 'consent is not asked',
    file: 'decide/verdict.ts',
    from: "ours ? 'ours' : meta.adoptable ? 'consented' : 'theirs'",
    to: "ours ? 'ours' : 'consented'",
    sources: ['consents'],
    invariant: 'foreign',
  },
  {
    name: 'what is known does not serve what was edited and lost',
    file: 'target/knowledge.ts',
    from: "return before.others !== now.others || before.ours !== now.ours ? 'somebody' : 'agent';",
    to: "return 'agent';",
    sources: ['edits', 'deletions', 'outagesOfSafe', 'longOutagesOfSafe'],
    invariant: 'absence',
  },
  {
    name: 'a changed spec is not asked again',
    file: 'sync/reconciler.ts',
    from: 'now.generation !== resource.generation || now.deleting',
    to: 'now.deleting',
    sources: ['jams'],
    invariant: 'mandate',
  },
  {
    name: 'a former target goes though another names it',
    file: 'decide/decide.ts',
    from: 'former && former.claimedBy === undefined && !former.meta.deleting',
    to: 'former && !former.meta.deleting',
    also: { file: 'sync/reconciler.ts', from: '&& !claims.holder(former.key)', to: '' },
    sources: ['swaps'],
    invariant: 'deletion',
  },
  {
    name: 'age decides who has a target',
    file: 'target/claims.ts',
    from: 'if (hold !== 0) return hold < 0;',
    to: '',
    sources: ['usurpers', 'swaps'],
    invariant: 'holding',
  },
  {
    name: 'a successor waits for Safe',
    file: 'decide/freshness.ts',
    from: 'if (!known && !safe.failing)',
    to: 'if (true)',
    also: {
      file: 'decide/freshness.ts',
      from: "verdict.is === 'absent' ? verdict.lost : isEdit",
      to: 'false',
    },
    sources: ['replacements'],
    invariant: 'absence',
  },
  {
    name: 'an annotation of somebody else’s counts as an edit',
    file: 'decide/verdict.ts',
    from: 'wrote?.ours === meta.ours && wrote.appliedAt === meta.appliedAt',
    to: 'wrote?.resourceVersion === meta.resourceVersion',
    sources: ['annotators'],
    invariant: 'idleness',
  },
  {
    name: 'every edit is a fight',
    file: 'decide/pace.ts',
    from: 'alike.length < FREE_REPAIRS',
    to: 'alike.length < 1',
    also: {
      file: 'decide/pace.ts',
      from: 'Math.min(REPAIR_MAX_MS, 1_000 * 2 ** (alike.length - FREE_REPAIRS))',
      to: '600_000',
    },
    sources: ['edits', 'rotations'],
    invariant: 'truth',
  },
  {
    name: 'a fight is not told',
    file: 'decide/decide.ts',
    from: 'if (fight && now < fight.over)',
    to: 'if (fight === null)',
    also: { file: 'decide/decide.ts', from: 'if (fight && now < fight.until)', to: 'if (fight === null)' },
    sources: ['fighters'],
    invariant: 'fight',
  },
  {
    name: 'what is missing in Safe is not looked for',
    file: 'sync/reconciler.ts',
    from: 'if (missing) fetcher?.pollFor(one.key);',
    to: 'if (!missing && !tell) fetcher?.pollFor(one.key);',
    sources: ['expiries', 'lossesInSafe'],
    invariant: 'truth',
  },
  {
    name: 'what failed waits for its interval',
    file: 'sync/retries.ts',
    from: 'if (failing) this.#inTurn(key);',
    to: 'if (failing) return;',
    sources: ['refusals', 'edits', 'renames'],
    invariant: 'truth',
  },
  {
    name: 'what is adopted gets any answer',
    file: 'decide/freshness.ts',
    from: 'if (adopts) must.push(verdict.since - toleranceOf(spec.refreshIntervalMs));',
    to: '',
    sources: ['consents'],
    invariant: 'freshness',
    setting: { intervals: ['1h'], secrets: 1 },
  },
  {
    name: 'what is changed gets any answer',
    file: 'decide/freshness.ts',
    from: 'must.push(facts.seenAt - toleranceOf(spec.refreshIntervalMs));',
    to: 'must.push(-Infinity);',
    sources: ['renames', 'departures'],
    invariant: 'freshness',
    setting: { intervals: ['1h'], secrets: 1 },
  },
  {
    name: 'refused writes do not back off',
    file: 'decide/pace.ts',
    from: 'return refused.at + delayAfter(refused);',
    to: 'return refused.at + Math.min(5_000, delayAfter(refused));',
    sources: ['refusals', 'edits', 'renames'],
    invariant: 'pace',
  },
  {
    name: 'content is fresh for hours',
    file: 'decide/freshness.ts',
    from: 'return { fresh: now < confirmedAt + maxStalenessMs, until: confirmedAt + maxStalenessMs };',
    to: 'return { fresh: now < confirmedAt + 5 * maxStalenessMs, until: confirmedAt + 5 * maxStalenessMs };',
    sources: ['longOutagesOfSafe'],
    invariant: 'staleness',
    minutes: 60,
  },
  {
    name: 'a deleted Secret is not missed',
    file: 'sync/wakeups.ts',
    from: 'if (!now || now.resourceVersion !== tracked',
    to: 'if (now && now.resourceVersion !== tracked',
    sources: ['deletions'],
    invariant: 'absence',
  },
  {
    name: 'part of an answer is written',
    file: 'target/secret-body.ts',
    from: '[...desired.data].map(',
    to: '[...desired.data].slice(0, 1 + (resource.generation % 2)).map(',
    sources: ['renames'],
    invariant: 'wholeness',
  },
];

/** Faults that the simulation must find. */
export const MUTANTS: readonly Mutant[] = [...CORE, ...KUBE, ...SHARD, ...SAFE];
