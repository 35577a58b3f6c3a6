import { Failure } from '../api/reasons.ts';
import type { Resource } from '../api/resource.ts';
import { workloadText, type Workload } from '../api/restart.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Act, Tell } from './decision.ts';
import type { At } from './known.ts';

/**
 * What happened to one resource in this term, never what follows from it. Replaced as a whole by `record` and
 * `observe`; lost at a restart, never needed to be right.
 */
export interface Facts {
  /** The generation that was last seen, and when it was first seen. */
  readonly generation: number;
  readonly seenAt: At;
  /** The value of the refresh annotation, when it was first seen, and whether its attempt has ended. */
  readonly refresh: { readonly value: string; readonly seenAt: At; readonly handled: boolean };
  /** What came of resolving an answer. */
  readonly resolved: Resolved | undefined;
  /** The Secret as this process wrote it, or recognised it as written. */
  readonly wrote: Wrote | undefined;
  /** A write that nothing has been told of yet. */
  readonly news: 'created' | 'updated' | undefined;
  readonly refused: Refused | undefined;
  /** Our content was written over somebody's edit, the latest last. */
  readonly undone: readonly Undone[];
  /** When the target was made, the latest last. */
  readonly made: readonly At[];
  /** An answer said that the namespace is being deleted. */
  readonly terminating: boolean;
  readonly told: Told;
  /** A version of the Secret, and whether its content is another than that of a print. */
  readonly compared?: Compared;
  /** The workloads, by their texts, that were last asked to be restarted. */
  readonly asked?: {
    readonly generation: number;
    readonly revision: number;
    readonly workloads: readonly string[];
  };
}

export interface Compared {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly print: string;
  readonly differs: boolean;
}

export interface Resolved {
  readonly generation: number;
  readonly answerBegunAt: At;
  readonly print: string;
  /** How many secrets of Safe it was made from, and the latest `updated` among them. */
  readonly sources: number;
  readonly sourceUpdated: string;
  /** When the first of them expires, of the wall clock. */
  readonly expiresAt: number | undefined;
  /** Those that the namespace has no grant for, if such use is to be warned of. */
  readonly notGranted: readonly string[];
}

export interface Wrote {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** As in the metadata that the write was answered with. */
  readonly appliedAt: string | undefined;
  readonly ours: string;
  readonly print: string;
  readonly generation: number;
  readonly answerBegunAt: At;
  /** Where that restarts something: a digest of the content alone, and how often it changed. */
  readonly contents?: string | undefined;
  readonly revision?: number | undefined;
}

/** The last act that failed, until one of its kind is done or the generation changes. */
export interface Refused {
  readonly act: Act['do'];
  readonly generation: number;
  /** The content that was refused, where it was a write. */
  readonly print: string | undefined;
  /** `stale`: the Secret is not as it was known. */
  readonly why: Failure | 'stale';
  /** In a row. */
  readonly times: number;
  readonly at: At;
  /** Drawn once, in [0, 1). */
  readonly jitter: number;
}

export interface Undone {
  /** Digest of what the edit had left of our fields. */
  readonly fields: string;
  /** Name of the field manager that made it. */
  readonly by: string;
  readonly at: At;
}

/** What was last told of the resource. */
export interface Told {
  readonly status: VSecMSecretStatus;
  readonly failure: Failure | undefined;
  readonly notGranted: readonly string[];
}

/** What became of an act. */
export type Outcome =
  | { readonly of: 'resolve'; readonly resolved: Resolved | undefined }
  | {
      readonly of: 'create' | 'write' | 'recognise';
      readonly result: 'created' | 'updated' | 'unchanged';
      readonly meta: SecretMeta;
      readonly print: string;
      readonly answerBegunAt: At;
      readonly contents?: string | undefined;
      readonly revision?: number | undefined;
      readonly undid: Omit<Undone, 'at'> | undefined;
    }
  | { readonly of: 'lookUp' | 'deleteFormer' }
  | { readonly of: 'compare'; readonly compared: Compared }
  | { readonly of: 'restart'; readonly workloads: readonly Workload[]; readonly revision: number }
  | { readonly of: 'tell'; readonly tell: Tell; readonly told: Told }
  | {
      readonly of: 'refused';
      readonly act: Act['do'];
      readonly why: Failure | 'stale' | 'terminating';
      readonly print: string | undefined;
    };

const NOTHING = { value: '', seenAt: -Infinity, handled: true };
/** Undoings older than this say nothing about a fight that goes on. */
const FORGET_UNDONE_MS = 60 * 60_000;
const MOST_UNDONE = 16;

/** What is known of a resource that is seen for the first time in this term. */
export const noFacts = ({ status }: Resource): Facts => ({
  generation: -1,
  seenAt: -Infinity,
  refresh: { ...NOTHING, value: status.handledRefresh ?? '' },
  resolved: undefined,
  wrote: undefined,
  news: undefined,
  refused: undefined,
  undone: [],
  made: [],
  terminating: false,
  told: { status, failure: undefined, notGranted: [] },
});

/** Notes the resource as it is now. */
export function observe(facts: Facts, { generation, refresh }: Resource, now: At): Facts {
  if (facts.generation === generation && facts.refresh.value === refresh) return facts;
  return {
    ...facts,
    ...(facts.generation !== generation && { generation, seenAt: now }),
    ...(facts.refresh.value !== refresh && { refresh: { value: refresh, seenAt: now, handled: false } }),
  };
}

/** Notes what became of an act. */
export function record(facts: Facts, outcome: Outcome, now: At, jitter: number): Facts {
  switch (outcome.of) {
    case 'resolve':
      return { ...facts, resolved: outcome.resolved };
    case 'create':
    case 'write':
    case 'recognise': {
      const { result, meta, print, answerBegunAt, contents, revision, undid } = outcome;
      const { generation } = facts;
      const { name, uid, resourceVersion, appliedAt, ours } = meta;
      return {
        ...facts,
        wrote: {
          ...{ name, uid, resourceVersion, appliedAt, ours, print, generation, answerBegunAt },
          ...(revision !== undefined && { contents, revision }),
        },
        news: result === 'unchanged' ? facts.news : result,
        made: result === 'created' ? [...facts.made.slice(1 - MOST_UNDONE), now] : facts.made,
        refused: undefined,
        undone:
          undid && result === 'updated' ? [...recent(facts, now), { ...undid, at: now }] : recent(facts, now),
      };
    }
    case 'lookUp':
    case 'deleteFormer':
      return facts.refused?.act === outcome.of ? { ...facts, refused: undefined } : facts;
    case 'compare': {
      const { compared } = outcome;
      return { ...facts, compared, refused: facts.refused?.act === 'compare' ? undefined : facts.refused };
    }
    case 'restart': {
      const { workloads, revision } = outcome;
      const { generation } = facts;
      return { ...facts, asked: { generation, revision, workloads: workloads.map(workloadText) } };
    }
    case 'tell': {
      const { tell, told } = outcome;
      const { value } = facts.refresh;
      const handled = tell.handledRefresh === value ? { ...facts.refresh, handled: true } : facts.refresh;
      return { ...facts, told, refresh: handled, news: tell.secret ? undefined : facts.news };
    }
    case 'refused': {
      const { act, why, print } = outcome;
      if (why === 'terminating') return { ...facts, terminating: true };
      const { generation, refused: before } = facts;
      // A spec that changes is no news to a server that is away.
      const again = before?.act === act && (before.generation === generation || isServer(before.why, why));
      const times = again ? before.times + 1 : 1;
      return { ...facts, refused: { act, generation, print, why, times, at: now, jitter } };
    }
  }
}

const isServer = (...all: readonly (Failure | string)[]): boolean =>
  all.every((why) => why instanceof Failure && why.code === 'ApiUnavailable');

const recent = ({ undone }: Facts, now: At): readonly Undone[] =>
  undone.length === 0
    ? undone
    : undone.filter(({ at }) => now - at < FORGET_UNDONE_MS).slice(1 - MOST_UNDONE);
