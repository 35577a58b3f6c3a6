import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decide } from '../../agent/decide/decide.ts';
import type { Act, Decision } from '../../agent/decide/decision.ts';
import type { Facts } from '../../agent/decide/facts.ts';
import type { Known } from '../../agent/decide/known.ts';
import type { View } from '../../agent/decide/view.ts';
import { desiredOf, foreignMeta, resourceOf, secretMeta, specOf } from '../sync/objects.ts';
import { factsOf, failureOf, GENERATION, NOW, shownOf, viewOf, wroteOf } from './views.ts';

type Policy = 'Owner' | 'Orphan' | 'Merge';
/** The moments of one row that something is decided at, in their order, and what is done then. */
type Moments = readonly (readonly [view: View, done: Act['do']])[];
type Row = (policy: Policy) => Moments;

const ABSENT: Known = { how: 'absent', at: NOW, wasThere: false, agentWroteAt: undefined };
const UNKNOWN: Known = { how: 'unknown', wasThere: false, agentWroteAt: undefined };
const GONE: Known = { how: 'gone', at: NOW, wasThere: true, agentWroteAt: undefined };
const DOUBTED: Known = { how: 'doubted', wasThere: false, agentWroteAt: undefined };
const lookedUp = (meta: object = {}, agoMs = 0): Known => ({
  how: 'lookedUp',
  meta: foreignMeta(meta),
  at: NOW - agoMs,
  wasThere: true,
  agentWroteAt: undefined,
});
/** Somebody's Secret with consent, as this process wrote into it. */
const consented = { createdByAgent: false, adoptable: true, ownerUids: [], others: 'kubectl' };
const AWAY = { why: failureOf('SafeUnreachable'), since: NOW - 1_000, attemptedAt: NOW - 500 };

const content = (print: string): View['content'] => ({
  generation: GENERATION,
  answerBegunAt: NOW,
  desired: desiredOf(),
  print,
});
const resolved = (print: string): Facts['resolved'] => ({
  generation: GENERATION,
  answerBegunAt: NOW,
  print,
  sources: 1,
  sourceUpdated: 'u',
  expiresAt: undefined,
  notGranted: [],
});

/** A resource with an answer at hand that was begun just now, and what it asks for resolved of that as `print`. */
const at = (policy: Policy, target: Known, change: Partial<View> = {}, print = 'p'): View =>
  viewOf({
    spec: specOf({ target: { creationPolicy: policy } }),
    target,
    safe: { answerBegunAt: NOW, confirmedAt: NOW, failing: undefined },
    content: content(print),
    facts: factsOf({ resolved: resolved(print) }),
    ...change,
  });
/** As this process last wrote it, with what `print` stands for. */
const wrote = (change: Partial<NonNullable<Facts['wrote']>> = {}, print = 'p'): Partial<View> => ({
  facts: factsOf({ resolved: resolved(print), wrote: wroteOf({ answerBegunAt: NOW - 5_000, ...change }) }),
});
/** The Secret as the policy has it. */
const secretOf = (policy: Policy): Partial<ReturnType<typeof secretMeta>> =>
  policy === 'Merge' ? consented : policy === 'Orphan' ? { ownerUids: [] } : {};
/** All is as declared. */
const right = (policy: Policy, change: Partial<View> = {}): View =>
  at(policy, shownOf(secretOf(policy)), { ...wrote(), ...change });
/** An act was refused, of the content `print`. */
const refused = (
  act: Act['do'],
  code: Parameters<typeof failureOf>[0],
  { print = 'p', written = false } = {},
): Partial<View> => ({
  facts: factsOf({
    resolved: resolved(print),
    wrote: written ? wroteOf() : undefined,
    refused: { act, generation: GENERATION, print, why: failureOf(code), times: 1, at: NOW, jitter: 0.5 },
  }),
});

/** Somebody else's, so it is left alone: found by a create that was refused, or by the look that a merge begins with. */
const theirs =
  (meta: object): Row =>
  (policy) => [
    [at(policy, UNKNOWN), policy === 'Merge' ? 'lookUp' : 'create'],
    [at(policy, DOUBTED), 'lookUp'],
    [at(policy, lookedUp(meta)), 'nothing'],
  ];
/** Somebody else's with consent, written into and then right. */
const taken: Row = (policy) => [
  [at(policy, lookedUp({ adoptable: true })), 'write'],
  [at(policy, shownOf(consented), wrote()), 'nothing'],
];
const made: Row = (policy) => [
  [at(policy, UNKNOWN), 'create'],
  [right(policy), 'nothing'],
];
/** What the server refuses is told, and tried again at its pace. */
const stays =
  (code: 'TargetImmutable' | 'TargetConflict', target: (policy: Policy) => Known): Row =>
  (policy) => [
    [at(policy, target(policy), wrote({}, 'q'), 'q'), 'write'],
    [at(policy, target(policy), refused('write', code, { print: 'q', written: true }), 'q'), 'nothing'],
  ];

const NEW: Record<string, Row> = {
  absent: (policy) => (policy === 'Merge' ? [[at(policy, ABSENT), 'nothing']] : made(policy)),
  'this resource’s, and the value changes': (policy) => [
    [at(policy, shownOf(secretOf(policy)), wrote({}, 'q'), 'q'), 'write'],
    [right(policy), 'nothing'],
  ],
  'an older VSecMSecret’s': (policy) => [
    [right(policy, { heldBy: 'older', target: shownOf({ ownerUids: ['uid-older'] }) }), 'nothing'],
  ],
  'someone else’s, with the same key': theirs({}),
  'someone else’s, with other keys': theirs({}),
  'someone else’s, same key, with consent': (policy) =>
    policy === 'Merge'
      ? [
          [at(policy, lookedUp({ adoptable: true })), 'write'],
          [at(policy, lookedUp({ adoptable: true }), refused('write', 'TargetConflict')), 'nothing'],
        ]
      : taken(policy),
  'someone else’s, other keys, with consent': taken,
  'this resource’s, made immutable, and the value changes': stays('TargetImmutable', (policy) =>
    shownOf(secretOf(policy)),
  ),
  'of another type, with consent': (policy) =>
    policy === 'Merge'
      ? taken(policy)
      : [
          [at(policy, lookedUp({ adoptable: true })), 'write'],
          [at(policy, lookedUp({ adoptable: true }), refused('write', 'TargetImmutable')), 'nothing'],
        ],
  'someone else’s, with a controller, other keys, with consent': taken,
  'an agent’s, restored from a backup with its labels alone': (policy) => {
    const restored = shownOf({ ownerUids: [], appliedAt: undefined, ours: '', others: 'velero' });
    return policy === 'Merge'
      ? [
          [at(policy, restored), 'write'],
          [at(policy, restored, refused('write', 'TargetConflict')), 'nothing'],
        ]
      : [
          [at(policy, restored), 'write'],
          [right(policy), 'nothing'],
        ];
  },
  'someone else’s, being deleted': theirs({ deleting: true }),
  'made by someone in the middle of our first write, same key': (policy) =>
    policy === 'Merge' ? [[at(policy, ABSENT), 'nothing']] : theirs({})(policy),
  'made by someone in the middle of our first write, other keys': (policy) =>
    policy === 'Merge' ? [[at(policy, ABSENT), 'nothing']] : theirs({})(policy),
  'this resource’s, and the resource is deleted': (policy) => [[right(policy, { owned: false }), 'letGo']],
  'this resource’s, and the resource is deleted with --cascade=orphan': (policy) => [
    [right(policy, { resource: resourceOf({ generation: GENERATION, deleting: true }) }), 'letGo'],
  ],
  'this resource’s, and the resource names another target': (policy) => [
    policy === 'Merge'
      ? [at(policy, lookedUp({ adoptable: true }), wrote({ name: 'old' })), 'write']
      : [at(policy, UNKNOWN, wrote({ name: 'old' })), 'create'],
    ...(policy === 'Owner'
      ? ([
          [
            right(policy, { former: { meta: secretMeta({ name: 'old' }), claimedBy: undefined } }),
            'deleteFormer',
          ],
        ] as const)
      : []),
    [right(policy), 'nothing'],
  ],
};

/** Written with what Safe said last, which it may say no more. */
const writtenAnew =
  (target: (policy: Policy) => Known, become?: Policy): Row =>
  (policy) => [
    [at(become ?? policy, target(policy), wrote({}, 'q'), 'q'), 'write'],
    [at(become ?? policy, target(policy), wrote()), 'nothing'],
  ];
const present = (policy: Policy): Known => shownOf(secretOf(policy));
const edited = (policy: Policy): Known => shownOf({ ...secretOf(policy), ours: 'what is left' });
const repaired: Row = (policy) => [
  [at(policy, edited(policy), wrote()), 'write'],
  [right(policy), 'nothing'],
];
const lost: Row = (policy) =>
  policy === 'Merge'
    ? [
        [at(policy, GONE, wrote()), 'lookUp'],
        [at(policy, ABSENT, wrote()), 'nothing'],
      ]
    : [
        [at(policy, GONE, wrote()), 'create'],
        [right(policy), 'nothing'],
      ];
const suspended: Row = (policy) => {
  const spec = specOf({ target: { creationPolicy: policy }, suspend: true });
  return [[at(policy, present(policy), { ...wrote({}, 'q'), spec }, 'q'), 'nothing']];
};
const gone: Row = (policy) => [[right(policy, { owned: false }), 'letGo']];
/** Consent is not what it was: what was written under it stays, and no more is written. */
const withdrawn = shownOf({ ...consented, adoptable: false });
const former = { meta: secretMeta({ name: 'old' }), claimedBy: undefined };
const moves: Row = (policy) => [
  [at(policy, UNKNOWN, wrote({ name: 'old' })), 'create'],
  ...(policy === 'Owner' ? ([[right(policy, { former }), 'deleteFormer']] as const) : []),
  [right(policy), 'nothing'],
];

const LIVE: Record<string, Row> = {
  'the policy becomes Owner': (policy) => writtenAnew(present, 'Owner')(policy),
  'the policy becomes Orphan': (policy) => writtenAnew(present, 'Orphan')(policy),
  'the policy becomes Merge': (policy) => writtenAnew(present, 'Merge')(policy),
  'the policy becomes Orphan, and the resource is deleted': (policy) => [
    ...writtenAnew(present, 'Orphan')(policy),
    ...gone('Orphan'),
  ],
  'the type changes': stays('TargetImmutable', present),
  'the type changes, and the Secret is deleted, as the hint says': lost,
  'another target is named: the new Secret': moves,
  'another target is named: the former Secret': moves,
  'another target is named, and somebody else’s Secret stands there: the former one': (policy) => [
    [at(policy, UNKNOWN, { ...wrote({ name: 'old' }), former }), 'create'],
    [at(policy, DOUBTED, { ...wrote({ name: 'old' }), former }), 'lookUp'],
    [at(policy, lookedUp(), { ...wrote({ name: 'old' }), former }), 'nothing'],
  ],
  'another target is named, and another resource waits for the former Secret': (policy) => [
    [at(policy, UNKNOWN, wrote({ name: 'old' })), 'create'],
    [right(policy, { former: { ...former, claimedBy: 'waiting' } }), 'nothing'],
  ],
  'it and another resource swap their targets, one after the other': (policy) => {
    const others = shownOf({ ...secretOf(policy), uid: 'secret-2', ownerUids: ['uid-waiting'] });
    return [
      [at(policy, others, { ...wrote({ name: 'old' }), heldBy: 'waiting' }), 'nothing'],
      [at(policy, others, wrote({ name: 'old' })), 'write'],
      [right(policy, { former: { ...former, claimedBy: 'waiting' } }), 'nothing'],
    ];
  },
  'an older resource is pointed at its Secret': (policy) => [[right(policy), 'nothing']],
  'the resource is deleted, and another one waits for the Secret': gone,
  'the resource is deleted and made anew': (policy) => [
    [
      at(policy, shownOf({ ...secretOf(policy), ownerUids: policy === 'Owner' ? ['uid-before'] : [] })),
      'write',
    ],
    [right(policy), 'nothing'],
  ],
  'a key is named otherwise': writtenAnew(present),
  'it is made immutable': writtenAnew(present),
  'it was immutable, and is not to be any more': stays('TargetImmutable', present),
  'it was immutable, is not to be any more, and the Secret is deleted, as the hint says': lost,
  'it is suspended, and the value changes': suspended,
  'it is suspended, the value changes, and it goes on': (policy) => [
    ...suspended(policy),
    ...writtenAnew(present)(policy),
  ],
  'it is suspended, and the Secret is deleted': (policy) => {
    const spec = specOf({ target: { creationPolicy: policy }, suspend: true });
    return [[at(policy, GONE, { ...wrote(), spec }), 'nothing']];
  },
  'the interval was 0s and becomes 10s, and the value changes': writtenAnew(present),
  'the interval becomes 0s, the value changes, and a refresh is asked for': (policy) => {
    const spec = specOf({ target: { creationPolicy: policy }, refreshInterval: '0s' });
    const asked = { value: 'now', seenAt: NOW - 1, handled: false };
    const facts = factsOf({ ...wrote({}, 'q').facts, refresh: asked });
    const stale = { answerBegunAt: NOW - 2, confirmedAt: NOW - 2, failing: undefined };
    return [
      [at(policy, present(policy), { spec, facts, safe: stale }, 'q'), 'ask'],
      [at(policy, present(policy), { spec, facts }, 'q'), 'write'],
      [right(policy, { spec }), 'nothing'],
    ];
  },
  'somebody changes its value': (policy) =>
    policy === 'Merge'
      ? [
          [at(policy, edited(policy), wrote()), 'write'],
          [at(policy, edited(policy), refused('write', 'TargetConflict', { written: true })), 'nothing'],
        ]
      : repaired(policy),
  'somebody changes its value again and again': (policy) => {
    const undone = [3, 2, 1].map((ago) => ({ fields: 'what is left', by: 'kubectl', at: NOW - ago }));
    const facts = factsOf({ resolved: resolved('p'), wrote: wroteOf(), undone });
    return [
      [at(policy, edited(policy), { facts }), 'nothing'],
      [right(policy, { facts }), 'nothing'],
    ];
  },
  'somebody adds a key and an annotation': (policy) => [
    [
      at(policy, shownOf({ ...secretOf(policy), resourceVersion: '201', others: 'more' }), wrote()),
      'nothing',
    ],
  ],
  'the Secret is deleted': lost,
  'the Secret is deleted with --cascade=foreground': (policy) => [
    [at(policy, shownOf({ ...secretOf(policy), deleting: true, others: 'deletion' }), wrote()), 'nothing'],
    ...lost(policy),
  ],
  'the Secret is being deleted and a finalizer holds it, and the value changes': writtenAnew((policy) =>
    shownOf({ ...secretOf(policy), deleting: true, others: 'deletion' }),
  ),
  'somebody replaces the Secret as a whole': (policy) => [
    [at(policy, GONE, wrote()), policy === 'Merge' ? 'lookUp' : 'create'],
    [at(policy, DOUBTED, wrote()), 'lookUp'],
    [at(policy, lookedUp(), wrote()), 'nothing'],
  ],
  'the owner is stripped': (policy) => [
    [at(policy, shownOf({ ownerUids: [], ours: 'what is left', seenAt: NOW - 1 }), wrote()), 'nothing'],
    [at(policy, shownOf({ ownerUids: [], ours: 'what is left', seenAt: NOW - 2_000 }), wrote()), 'write'],
    [right(policy), 'nothing'],
  ],
  'the label that marks what agents write is stripped': (policy) => {
    const meta = { ...secretMeta(secretOf(policy)), managed: false, ours: 'what is left' };
    return [
      [at(policy, GONE, wrote()), policy === 'Merge' ? 'lookUp' : 'create'],
      [at(policy, DOUBTED, wrote()), 'lookUp'],
      [at(policy, lookedUp(meta), wrote()), 'write'],
      [right(policy), 'nothing'],
    ];
  },
  'the label that says who made it is changed, and the value changes': (policy) => {
    const target = shownOf({ ...secretOf(policy), createdByAgent: false, ours: 'what is left' });
    const denied = refused('write', 'WriteForbidden', { print: 'q', written: true });
    return policy === 'Orphan'
      ? [[at(policy, target, wrote({}, 'q'), 'q'), 'nothing']]
      : [
          [at(policy, target, wrote({}, 'q'), 'q'), 'write'],
          [at(policy, target, denied, 'q'), 'nothing'],
        ];
  },
  'it waits for consent, which is given': (policy) => [
    [at(policy, lookedUp()), 'nothing'],
    [at(policy, lookedUp({}, 60_000)), 'lookUp'],
    ...taken(policy),
  ],
  'it waits for a Secret with consent, which is made': (policy) => [
    [at(policy, ABSENT), 'nothing'],
    [at(policy, { ...ABSENT, at: NOW - 60_000 }), 'lookUp'],
    ...taken(policy),
  ],
  'it writes by consent, which is withdrawn, and the value changes': (policy) => [
    [at(policy, withdrawn, wrote({}, 'q'), 'q'), 'nothing'],
  ],
  'it writes by consent, which is withdrawn, and the resource is deleted': gone,
  'it merged by consent, which is withdrawn; it is deleted and made anew with Owner': () => [
    [at('Owner', withdrawn), 'nothing'],
  ],
};

/** What is told, in the words of the tables. */
function conditionOf({ act, tell }: Decision): string {
  if (act.do === 'letGo') return '(gone)';
  if (tell?.suspended) return 'Suspended';
  if (tell?.failure && !tell.stands) return tell.failure.code;
  return tell?.secret || tell?.stands ? 'Ready' : 'nothing';
}

/** The rows of a section of docs/policies.md, by the names of their columns. */
function rowsOf(heading: string): Record<string, string>[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/policies.md'), 'utf8');
  const [section = ''] = (page.split(`\n## ${heading}\n`)[1] ?? '').split('\n## ');
  const [head = [], , ...cells] = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return cells.map((row) => Object.fromEntries(row.map((cell, index) => [head[index] ?? '', cell])));
}

for (const [heading, first, views] of [
  ['A resource that is new', 'The target is …', NEW],
  ['A resource that lives', 'What happens', LIVE],
] as const)
  for (const { [first]: name = '', policy, Safe: safe = 'there', condition } of rowsOf(heading))
    test(`${heading}: ${name} (${policy}, Safe ${safe}) ends as ${condition}`, () => {
      const moments = views[name]?.(policy as Policy) ?? assert.fail('no view of this row');
      // What is known serves while Safe is away.
      const seen = (view: View): View =>
        safe === 'away' ? { ...view, safe: { ...view.safe, failing: AWAY } } : view;
      const decisions = moments.map(([view]) => decide(seen(view)));
      assert.deepEqual(
        decisions.map(({ act }) => act.do),
        moments.map(([, done]) => done),
      );
      assert.equal(conditionOf(decisions.at(-1)!), condition);
    });

test('each view is of a row', () => {
  for (const [heading, first, views] of [
    ['A resource that is new', 'The target is …', NEW],
    ['A resource that lives', 'What happens', LIVE],
  ] as const) {
    const named = new Set(rowsOf(heading).map((row) => row[first]));
    assert.deepEqual(
      Object.keys(views).filter((name) => !named.has(name)),
      [],
    );
  }
});
