import * as fc from 'fast-check';
import { Failure, type Code } from '../../agent/api/reasons.ts';
import type { Resource } from '../../agent/api/resource.ts';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import type { Spec, VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { noFacts, type Facts } from '../../agent/decide/facts.ts';
import type { Known } from '../../agent/decide/known.ts';
import type { Content, SafeView, View } from '../../agent/decide/view.ts';
import { desiredOf, resourceOf, secretMeta, specOf } from '../sync/objects.ts';

/** The two clocks of a view tell different times. */
export const NOW = 10_000_000;
export const WALL = Date.UTC(2026, 5, 1);
export const NODE = 'node-1';
export const GENERATION = 2;

export const failureOf = (code: Code): Failure => new Failure(code, `what ${code} means`);
export const iso = (ms: number): string => new Date(ms).toISOString();

/** What happened to a resource that was seen a second ago; a test says what else. */
export const factsOf = (change: Partial<Facts> = {}): Facts => ({
  ...noFacts(resourceOf()),
  generation: GENERATION,
  seenAt: NOW - 1_000,
  ...change,
});

export const wroteOf = (change: Partial<NonNullable<Facts['wrote']>> = {}): NonNullable<Facts['wrote']> => {
  const { name, uid, resourceVersion, appliedAt, ours } = secretMeta();
  return {
    name,
    uid,
    resourceVersion,
    appliedAt,
    ours,
    print: 'p',
    generation: GENERATION,
    answerBegunAt: NOW - 5_000,
    ...change,
  };
};

/** A Secret that the watch has shown for a minute. */
export const shownOf = (meta: Partial<SecretMeta> = {}): Known => ({
  how: 'shown',
  meta: secretMeta(meta),
  at: NOW - 60_000,
  wasThere: true,
  agentWroteAt: undefined,
});

/** A resource of which nothing is known but its spec, while Safe answers. */
export function viewOf(change: Partial<View> = {}): View {
  return {
    now: NOW,
    wall: WALL,
    node: NODE,
    quietMs: 60_000,
    resource: resourceOf({ generation: GENERATION }),
    owned: true,
    spec: specOf(),
    heldBy: undefined,
    target: { how: 'unknown', wasThere: false, agentWroteAt: undefined },
    former: undefined,
    safe: { answerBegunAt: undefined, confirmedAt: undefined, failing: undefined },
    content: undefined,
    facts: factsOf(),
    ...change,
  };
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
/** Few moments, so that they meet. */
const at = fc
  .constantFrom(0, 1, 1_000, 1_500, 3_000, 10_000, 30_000, 59_999, 60_000, 200_000)
  .map((ago) => NOW - ago);
const mostly = <T>(often: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: often }, { weight: 1, arbitrary: seldom });
const rarely = mostly(fc.constant(false), fc.constant(true));
const print = fc.constantFrom('p', 'q');
const generation = mostly(fc.constant(GENERATION), fc.constant(1));
const date = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:07Z');
const ours = fc.constantFrom('all', 'what is left');
const version = fc.constantFrom('200', '201', '99');

const meta: fc.Arbitrary<SecretMeta> = fc
  .record({
    uid: fc.constantFrom('secret-1', 'secret-2'),
    resourceVersion: version,
    createdByAgent: fc.boolean(),
    adoptable: fc.boolean(),
    appliedAt: optional(date),
    ours,
    others: fc.constantFrom('', 'kubectl'),
    ownerUids: fc.subarray(['uid-db', 'uid-other']),
    deleting: rarely,
    seenAt: at,
  })
  .map((change) => secretMeta(change));

const rest = { wasThere: fc.boolean(), agentWroteAt: optional(at) };
const target: fc.Arbitrary<Known> = fc.oneof(
  fc.record({ how: fc.constantFrom('unknown' as const, 'doubted' as const), ...rest }),
  fc.record({ how: fc.constantFrom('gone' as const, 'absent' as const), at, ...rest }),
  fc.record({ how: fc.constantFrom('shown' as const, 'lookedUp' as const), meta, at, ...rest }),
);

export const spec: fc.Arbitrary<Spec> = fc
  .record({
    creationPolicy: fc.constantFrom('Owner', 'Orphan', 'Merge'),
    refreshInterval: fc.constantFrom('0s', '10s', '1h'),
    maxStaleness: optional(fc.constantFrom('1m', '1h')),
    suspend: rarely,
  })
  .map(({ creationPolicy, maxStaleness, ...others }) =>
    specOf({ ...others, target: { creationPolicy }, ...(maxStaleness !== undefined && { maxStaleness }) }),
  );

const failure = fc
  .constantFrom<Code>('RefNotFound', 'NotGranted', 'NotYetValid', 'ValueInvalid', 'UnnamedSecret')
  .map((code) => new Failure(code, 'message', code === 'NotYetValid' ? { wakeAt: WALL + 5_000 } : {}));
const content = fc
  .tuple(generation, at, mostly<string | Failure>(print, failure))
  .map(([of, answerBegunAt, what]): Content => ({
    generation: of,
    answerBegunAt,
    ...(typeof what === 'string' ? { desired: desiredOf(), print: what } : { failure: what }),
  }));

const safe: fc.Arbitrary<SafeView> = fc.record({
  answerBegunAt: optional(at),
  confirmedAt: optional(at),
  failing: optional(
    fc.record({
      why: fc.constantFrom(failureOf('SafeTimeout'), failureOf('NoIdentity')),
      since: at,
      attemptedAt: at,
    }),
  ),
});

const status: fc.Arbitrary<VSecMSecretStatus> = fc
  .record({
    observedGeneration: generation,
    ready: fc.boolean(),
    secret: optional(fc.record({ name: fc.constantFrom('db', 'old'), resourceVersion: version })),
    sourceUpdated: optional(fc.constantFrom('u', 'v')),
    validUntil: optional(fc.constantFrom(iso(WALL - 1_000), iso(WALL + 1_000), 'never')),
    node: fc.constantFrom(NODE, 'node-2'),
    failing: optional(fc.constantFrom<Code>('SafeTimeout', 'RefNotFound')),
  })
  .map(({ ready, failing, ...said }) => {
    const ago = { lastTransitionTime: iso(WALL - 60_000), message: '', reason: 'Synced' };
    return {
      ...said,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', ...ago }],
      ...(failing && {
        failure: {
          stage: failureOf(failing).stage,
          code: failing,
          message: '',
          hint: '',
          since: iso(WALL - 90_000),
        },
      }),
    } as VSecMSecretStatus;
  });

const refused: fc.Arbitrary<NonNullable<Facts['refused']>> = fc.record({
  act: fc.constantFrom('create' as const, 'write' as const, 'lookUp' as const, 'deleteFormer' as const),
  generation,
  print: optional(print),
  why: fc.constantFrom(
    'stale' as const,
    failureOf('ApiUnavailable'),
    failureOf('WriteForbidden'),
    failureOf('TargetConflict'),
  ),
  times: fc.integer({ min: 1, max: 12 }),
  at,
  jitter: fc.constantFrom(0, 0.5, 0.999),
});

const facts = (resource: Resource): fc.Arbitrary<Facts> =>
  fc.record({
    generation: fc.constant(resource.generation),
    seenAt: at,
    refresh: fc.record({ value: fc.constant(resource.refresh), seenAt: at, handled: fc.boolean() }),
    resolved: optional(
      fc.record({
        generation,
        answerBegunAt: at,
        print,
        sources: fc.constantFrom(1, 2),
        sourceUpdated: fc.constantFrom('', 'u', 'v'),
        expiresAt: optional(fc.constantFrom(WALL - 1, WALL, WALL + 1_000)),
        notGranted: fc.constant([]),
      }),
    ),
    wrote: optional(
      fc.record({
        name: fc.constantFrom('db', 'db', 'old'),
        uid: fc.constantFrom('secret-1', 'secret-2'),
        resourceVersion: version,
        appliedAt: optional(date),
        ours,
        print,
        generation,
        answerBegunAt: at,
      }),
    ),
    news: fc.constantFrom(undefined, 'created' as const, 'updated' as const),
    refused: optional(refused),
    made: fc.array(fc.constantFrom(NOW - 400_000, NOW - 1_000, NOW), { maxLength: 6 }),
    undone: fc.array(fc.record({ fields: ours, by: fc.constantFrom('', 'kubectl'), at }), { maxLength: 12 }),
    terminating: rarely,
    told: status.map((said) => ({ status: said, failure: undefined, notGranted: [] })),
  });

const anything: fc.Arbitrary<View> = status.chain((said) => {
  const resource = resourceOf({ generation: GENERATION, refresh: 'now', status: said });
  return fc.record({
    now: fc.constant(NOW),
    wall: fc.constant(WALL),
    node: fc.constant(NODE),
    quietMs: fc.constantFrom(0, 60_000),
    resource: rarely.map((deleting) => ({ ...resource, deleting })),
    owned: rarely.map((elsewhere) => !elsewhere),
    spec: mostly<Spec | Failure>(spec, fc.constant(failureOf('InvalidSpec'))),
    heldBy: mostly<string | undefined>(fc.constant(undefined), fc.constant('other')),
    target,
    former: optional(
      fc.record({
        meta: meta.map((one) => ({ ...one, name: 'old', key: 'team-a/old', ownerUids: ['uid-db'] })),
        claimedBy: optional(fc.constant('other')),
      }),
    ),
    safe,
    content: optional(content),
    facts: facts(resource),
  });
});

/** What chance alone hardly ever brings together. */
const LEANINGS: Record<string, (drawn: View) => View> = {
  'the content is of the answer in memory': (drawn) => {
    const { content, safe } = drawn;
    if (!content || safe.answerBegunAt === undefined) return drawn;
    return { ...drawn, content: { ...content, answerBegunAt: safe.answerBegunAt } };
  },
  'the Secret is as it was written': (drawn) => {
    const { target, facts } = drawn;
    if (!('meta' in target) || !facts.wrote) return drawn;
    const { uid, ours: fields, appliedAt } = target.meta;
    const wrote = { ...facts.wrote, name: 'db', uid, ours: fields, appliedAt };
    return { ...drawn, target: { ...target, agentWroteAt: undefined }, facts: { ...facts, wrote } };
  },
  'what was written is what was resolved last': (drawn) => {
    const { facts, safe } = drawn;
    if (!facts.wrote || !facts.resolved) return drawn;
    const resolved = {
      ...facts.resolved,
      print: facts.wrote.print,
      generation: GENERATION,
      answerBegunAt: NOW,
    };
    return { ...drawn, safe: { ...safe, answerBegunAt: NOW }, facts: { ...facts, resolved } };
  },
  'the status proves the Secret': (drawn) => {
    const { target, facts, resource } = drawn;
    if (!('meta' in target)) return drawn;
    const { name, resourceVersion } = target.meta;
    const sourceUpdated = facts.resolved?.sourceUpdated ?? 'u';
    const proving = {
      ...resource.status,
      observedGeneration: GENERATION,
      secret: { name, resourceVersion },
      sourceUpdated,
    };
    return {
      ...drawn,
      target: { ...target, how: 'shown' },
      resource: { ...resource, status: proving },
      facts: { ...facts, wrote: undefined },
    };
  },
};

/** Any view at all, of a Secret `db`; `former` is owned by the resource, as a view promises. */
export const view: fc.Arbitrary<View> = fc
  .tuple(anything, fc.subarray(Object.values(LEANINGS)))
  .map(([drawn, leanings]) => leanings.reduce((leaning, lean) => lean(leaning), drawn));
