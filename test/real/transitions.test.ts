import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awaitObject, failsWith, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { valuesOf, vss } from '../stage/scene.ts';
import { holdTable } from './policies-page.ts';
import { CONSENT, describe, POLICIES, PolicyStage, specOf, type Cell, type Policy } from './policy-stage.ts';

/** Something that happens to a resource and its Secret while the agent serves them. */
interface Transition {
  name: string;
  policies?: readonly Policy[];
  /** The target as the resource declares it at first. */
  target?: object;
  /** Makes the Secret, if somebody has to; default: what the policy needs. */
  arrange?: (cell: Cell) => Promise<unknown>;
  /** Resolves when it shows. */
  happens: (cell: Cell) => Promise<unknown>;
  /** The Secret to look at; default: `target`. */
  look?: string;
  /** Whether the garbage collector or the agent is first is chance, and both are right. */
  race?: true;
  /** Also while Safe is away, or then only. */
  away?: 'too' | 'only';
}

const MADE: readonly Policy[] = ['Owner', 'Orphan'];
let stage: PolicyStage;

before(async () => {
  stage = await PolicyStage.start();
});
after(() => stage.close());

const target = (ns: string): string => secretPath(ns, 'target');
const own = (ns: string): string => vssPath(ns, 'db');
const respecify = (change: (cell: Cell) => object) => async (cell: Cell) => {
  await stage.stage.cluster.apply(vss('db', change(cell)), cell.ns);
  await stage.told(cell.ns);
};
const retarget = (change: object) => respecify((cell) => specOf(cell, change));
const secretBecomes = (cell: Cell, fits: (secret: any) => boolean): Promise<any> =>
  awaitObject(stage.api, target(cell.ns), fits, 90_000);
const holds = (value: string) => (secret: any) => valuesOf(secret)['password'] === value;
/** Somebody deletes the Secret; resolves when another stands there. */
const deleted = async (cell: Cell, query = ''): Promise<void> => {
  const { uid } = (await stage.look(cell.ns)).metadata;
  await stage.api.ok('DELETE', `${target(cell.ns)}${query}`);
  await secretBecomes(cell, (one) => one !== undefined && one.metadata.uid !== uid);
};
const rotated = async (cell: Cell): Promise<void> => {
  await stage.register(cell.ns, 'second');
  await stage.refresh(cell);
};

const TRANSITIONS: Transition[] = [
  ...POLICIES.flatMap((from) =>
    POLICIES.filter((to) => to !== from).map((to): Transition => ({
      name: `the policy becomes ${to}`,
      policies: [from],
      happens: retarget({ creationPolicy: to }),
      away: 'too',
    })),
  ),
  {
    name: 'the policy becomes Orphan, and the resource is deleted',
    policies: ['Owner'],
    happens: async (cell) => {
      await retarget({ creationPolicy: 'Orphan' })(cell);
      await stage.api.ok('DELETE', own(cell.ns));
      await awaitObject(stage.api, own(cell.ns), (one) => one === undefined);
    },
    away: 'too',
  },
  {
    name: 'the type changes',
    policies: MADE,
    happens: retarget({ type: 'example.com/other' }),
  },
  {
    name: 'the type changes, and the Secret is deleted, as the hint says',
    policies: MADE,
    happens: async (cell) => {
      await retarget({ type: 'example.com/other' })(cell);
      await deleted(cell);
      await awaitObject(stage.api, own(cell.ns), isReady);
    },
    away: 'too',
  },
  {
    name: 'another target is named: the new Secret',
    policies: MADE,
    look: 'renamed',
    happens: async (cell) => {
      await stage.arrange(cell, 'renamed');
      await retarget({ name: 'renamed' })(cell);
    },
    away: 'only',
  },
  {
    name: 'another target is named: the former Secret',
    policies: MADE,
    happens: async (cell) => {
      await stage.arrange(cell, 'renamed');
      await retarget({ name: 'renamed' })(cell);
    },
    away: 'only',
  },
  {
    name: 'another target is named, and somebody else’s Secret stands there: the former one',
    policies: MADE,
    happens: async (cell) => {
      await stage.secret(cell.ns, { theirs: 'kept' }, {}, { name: 'renamed' });
      await retarget({ name: 'renamed' })(cell);
    },
  },
  {
    name: 'another target is named, and another resource waits for the former Secret',
    policies: MADE,
    arrange: (cell) => waiting(cell, 'Owner'),
    happens: async (cell) => {
      await retarget({ name: 'renamed' })(cell);
      await awaitObject(stage.api, vssPath(cell.ns, 'waiting'), isReady);
    },
    away: 'too',
  },
  {
    name: 'it and another resource swap their targets, one after the other',
    policies: MADE,
    arrange: async ({ ns, policy }) => {
      const target = { name: 'elsewhere', creationPolicy: policy };
      later.set(ns, { object: another(ns, 'waiting', target), becomes: isReady });
    },
    happens: async (cell) => {
      const { ns, policy } = cell;
      await stage.stage.cluster.apply(vss('db', specOf(cell, { name: 'elsewhere' })), ns);
      await awaitObject(stage.api, vssPath(ns, 'db'), failsWith('TargetConflict'));
      const target = { name: 'target', creationPolicy: policy };
      await stage.stage.cluster.apply(another(ns, 'waiting', target), ns);
      for (const name of ['db', 'waiting']) await awaitObject(stage.api, vssPath(ns, name), isReady);
    },
    away: 'too',
  },
  {
    name: 'an older resource is pointed at its Secret',
    policies: MADE,
    arrange: async ({ ns }) => {
      await stage.stage.cluster.apply(another(ns, 'older', { name: 'elsewhere' }), ns);
      const { metadata } = await awaitObject(stage.api, vssPath(ns, 'older'), isReady);
      await stage.aged(metadata.creationTimestamp);
    },
    happens: async ({ ns }) => {
      await stage.stage.cluster.apply(another(ns, 'older', { name: 'target' }), ns);
      await awaitObject(stage.api, vssPath(ns, 'older'), failsWith('TargetConflict'));
    },
    away: 'too',
  },
  {
    name: 'the resource is deleted, and another one waits for the Secret',
    policies: MADE,
    arrange: (cell) => waiting(cell, 'Orphan'),
    happens: async (cell) => {
      await stage.api.ok('DELETE', own(cell.ns));
      await awaitObject(stage.api, vssPath(cell.ns, 'waiting'), isReady);
    },
    race: true,
    away: 'too',
  },
  {
    name: 'the resource is deleted and made anew',
    happens: async (cell) => {
      await stage.api.ok('DELETE', own(cell.ns));
      await stage.declare(cell);
      await awaitObject(stage.api, own(cell.ns), isReady);
      const [owner] = cell.policy === 'Owner' ? [(await stage.api.ok('GET', own(cell.ns))).metadata.uid] : [];
      await secretBecomes(
        cell,
        (one) => one !== undefined && one.metadata.ownerReferences?.[0].uid === owner,
      );
    },
    race: true,
    away: 'too',
  },
  {
    name: 'a key is named otherwise',
    happens: respecify((cell) => ({
      ...specOf(cell),
      data: [{ key: 'pass', ref: `${cell.ns}.password` }],
    })),
    away: 'too',
  },
  { name: 'it is made immutable', policies: MADE, happens: retarget({ immutable: true }), away: 'too' },
  {
    name: 'it was immutable, and is not to be any more',
    policies: MADE,
    target: { immutable: true },
    happens: retarget({}),
  },
  {
    name: 'it was immutable, is not to be any more, and the Secret is deleted, as the hint says',
    policies: MADE,
    target: { immutable: true },
    happens: async (cell) => {
      await retarget({})(cell);
      await deleted(cell);
      await awaitObject(stage.api, own(cell.ns), isReady);
    },
  },
  {
    name: 'it is suspended, and the value changes',
    happens: async (cell) => {
      await respecify((it) => ({ ...specOf(it), suspend: true }))(cell);
      await stage.register(cell.ns, 'second');
    },
  },
  {
    name: 'it is suspended, the value changes, and it goes on',
    happens: async (cell) => {
      await respecify((it) => ({ ...specOf(it), suspend: true }))(cell);
      await stage.register(cell.ns, 'second');
      await retarget({})(cell);
    },
  },
  {
    name: 'it is suspended, and the Secret is deleted',
    happens: async (cell) => {
      await respecify((it) => ({ ...specOf(it), suspend: true }))(cell);
      await stage.api.ok('DELETE', target(cell.ns));
    },
    away: 'too',
  },
  {
    name: 'the interval was 0s and becomes 10s, and the value changes',
    arrange: async (cell) => stage.arrange(cell),
    happens: async (cell) => {
      await respecify((it) => ({ ...specOf(it), refreshInterval: '0s' }))(cell);
      await respecify((it) => ({ ...specOf(it), refreshInterval: '10s' }))(cell);
      await stage.register(cell.ns, 'second');
      await secretBecomes(cell, holds('second'));
    },
  },
  {
    name: 'the interval becomes 0s, the value changes, and a refresh is asked for',
    happens: async (cell) => {
      await respecify((it) => ({ ...specOf(it), refreshInterval: '0s' }))(cell);
      await rotated(cell);
    },
  },
  {
    name: 'somebody changes its value',
    policies: MADE,
    happens: async (cell) => {
      await stage.patch(target(cell.ns), { stringData: { password: 'theirs' } });
      await secretBecomes(cell, holds('first'));
    },
    away: 'too',
  },
  {
    name: 'somebody changes its value',
    policies: ['Merge'],
    happens: async (cell) => {
      await stage.patch(target(cell.ns), { stringData: { password: 'theirs' } });
      await awaitObject(stage.api, own(cell.ns), failsWith('TargetConflict'));
    },
    away: 'too',
  },
  {
    name: 'somebody changes its value again and again',
    policies: MADE,
    happens: async (cell) => {
      for (let edits = 0; edits < 4; edits += 1) {
        await secretBecomes(cell, holds('first'));
        await stage.patch(target(cell.ns), { stringData: { password: 'theirs' } });
      }
      await awaitObject(stage.api, own(cell.ns), failsWith('TargetContested'));
      await secretBecomes(cell, holds('first'));
    },
  },
  {
    name: 'somebody adds a key and an annotation',
    happens: (cell) =>
      stage.patch(target(cell.ns), {
        stringData: { more: 'kept' },
        metadata: { annotations: { 'example.com/seen': 'yes' } },
      }),
  },
  {
    name: 'the Secret is deleted',
    policies: MADE,
    happens: async (cell) => {
      await deleted(cell);
      await awaitObject(stage.api, own(cell.ns), isReady);
    },
    away: 'too',
  },
  {
    name: 'the Secret is deleted',
    policies: ['Merge'],
    happens: async (cell) => {
      await stage.api.ok('DELETE', target(cell.ns));
      await awaitObject(stage.api, own(cell.ns), failsWith('TargetMissing'));
    },
    away: 'too',
  },
  {
    name: 'the Secret is deleted with --cascade=foreground',
    policies: MADE,
    happens: (cell) => deleted(cell, '?propagationPolicy=Foreground'),
    away: 'too',
  },
  {
    name: 'the Secret is being deleted and a finalizer holds it, and the value changes',
    happens: async (cell) => {
      await stage.patch(target(cell.ns), { metadata: { finalizers: ['example.com/hold'] } });
      await stage.api.ok('DELETE', target(cell.ns));
      await rotated(cell);
    },
  },
  {
    name: 'somebody replaces the Secret as a whole',
    happens: async (cell) => {
      await stage.api.ok('PUT', target(cell.ns), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'target' },
        stringData: { password: 'theirs' },
      });
      await awaitObject(
        stage.api,
        own(cell.ns),
        (one) => failsWith('TargetConflict')(one) || !isReady(one),
        3_000,
      ).catch(() => undefined);
    },
  },
  {
    name: 'the owner is stripped',
    policies: ['Owner'],
    happens: async (cell) => {
      await stage.patch(target(cell.ns), { metadata: { ownerReferences: null } });
      await secretBecomes(cell, (one) => one.metadata.ownerReferences?.length === 1);
    },
    away: 'too',
  },
  {
    name: 'the label that marks what agents write is stripped',
    happens: async (cell) => {
      await stage.patch(target(cell.ns), { metadata: { labels: { 'vsecm.com/managed': null } } });
      await secretBecomes(cell, (one) => one.metadata.labels?.['vsecm.com/managed'] === 'true');
    },
    away: 'too',
  },
  {
    name: 'the label that says who made it is changed, and the value changes',
    policies: MADE,
    happens: async (cell) => {
      await stage.patch(target(cell.ns), {
        metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
      });
      await rotated(cell);
    },
  },
  {
    name: 'it waits for consent, which is given',
    arrange: ({ ns }) => stage.secret(ns, { theirs: 'kept' }),
    happens: async (cell) => {
      await stage.patch(target(cell.ns), { metadata: CONSENT });
      await awaitObject(stage.api, own(cell.ns), isReady, 90_000);
    },
  },
  {
    name: 'it waits for a Secret with consent, which is made',
    policies: ['Merge'],
    arrange: async () => {},
    happens: async (cell) => {
      await stage.arrange(cell);
      await awaitObject(stage.api, own(cell.ns), isReady, 90_000);
    },
  },
  {
    name: 'it writes by consent, which is withdrawn, and the value changes',
    arrange: ({ ns }) => stage.secret(ns, { theirs: 'kept' }, {}, CONSENT),
    happens: async (cell) => {
      await withdrawn(cell);
      await rotated(cell);
    },
  },
  {
    name: 'it writes by consent, which is withdrawn, and the resource is deleted',
    arrange: ({ ns }) => stage.secret(ns, { theirs: 'kept' }, {}, CONSENT),
    happens: async (cell) => {
      await withdrawn(cell);
      await stage.api.ok('DELETE', own(cell.ns));
      await awaitObject(stage.api, own(cell.ns), (one) => one === undefined);
    },
  },
  {
    name: 'it merged by consent, which is withdrawn; it is deleted and made anew with Owner',
    policies: ['Merge'],
    happens: async (cell) => {
      await withdrawn(cell);
      await stage.api.ok('DELETE', own(cell.ns));
      await stage.declare(cell, { creationPolicy: 'Owner' });
      await awaitObject(stage.api, own(cell.ns), failsWith('TargetConflict'));
    },
  },
];

async function withdrawn({ ns }: Cell): Promise<void> {
  await stage.patch(target(ns), { metadata: { annotations: { 'vsecm.com/allow-adoption': null } } });
  await awaitObject(stage.api, own(ns), failsWith('TargetConflict'));
}

const another = (ns: string, name: string, target: object): object =>
  vss(name, { target, data: [{ key: 'password', ref: `${ns}.password` }] });
/** A younger resource that names the same Secret. */
async function waiting({ ns }: Cell, creationPolicy: Policy): Promise<void> {
  const object = another(ns, 'waiting', { name: 'target', creationPolicy });
  later.set(ns, { object, becomes: failsWith('TargetConflict') });
}
/** What is declared as `waiting` once `db` has its Secret, by namespace. */
const later = new Map<string, { object: object; becomes: (object: any) => boolean }>();

interface Trial {
  row: [name: string, policy: string, safe: string];
  transition: Transition;
  cell: Cell;
  before?: any;
  since?: string;
}

async function arrange({ transition, cell }: Trial): Promise<void> {
  await stage.stage.namespace(cell.ns);
  await stage.register(cell.ns, 'first');
  await (transition.arrange ?? ((it: Cell) => stage.arrange(it)))(cell);
  await stage.declare(cell, transition.target);
  await stage.told(cell.ns);
  const other = later.get(cell.ns);
  if (!other) return;
  await stage.stage.cluster.apply(other.object, cell.ns);
  await awaitObject(stage.api, vssPath(cell.ns, 'waiting'), other.becomes);
}

async function happen(trial: Trial): Promise<string[]> {
  const { transition, cell, row } = trial;
  const { ns } = cell;
  const before = await stage.look(ns);
  const since = `${new Date().toISOString().slice(0, -1)}000Z`;
  await transition.happens(cell).catch((error: unknown) => {
    throw new Error(`${row.join(', ')} (${ns})`, { cause: error });
  });
  await stage.afterwards(ns);
  const found = await stage.look(ns, transition.look);
  const secret = describe(found, transition.race || transition.look ? undefined : before);
  const events = (await stage.events(ns, since)).join(', ') || '—';
  // The Event that a Secret was created is told of the one that comes after the garbage collector.
  const told = transition.race && cell.policy === 'Owner' && events === 'Synced' ? '—' : events;
  return [...row, await stage.condition(ns), secret, told];
}

test(
  'what happens to a resource that lives: its Secret, the condition and the Events',
  { timeout: 300_000 },
  async () => {
    const trials = (away: boolean): Trial[] =>
      TRANSITIONS.filter((one) => (away ? one.away !== undefined : one.away !== 'only')).flatMap(
        (transition) =>
          (transition.policies ?? POLICIES).map((policy): Trial => ({
            row: [transition.name, policy, away ? 'away' : 'there'],
            transition,
            cell: {
              ns: `t-${TRANSITIONS.indexOf(transition)}-${policy.toLowerCase()}-${away ? 'away' : 'there'}`,
              policy,
            },
          })),
      );
    const [there, away] = [trials(false), trials(true)];
    await Promise.all([...there, ...away].map(arrange));
    const seen = await Promise.all(there.map(happen));
    await stage.stage.safe.stop();
    seen.push(...(await Promise.all(away.map(happen))));
    const rows = TRANSITIONS.flatMap(({ name }) => seen.filter(([of]) => of === name));
    await holdTable('## A resource that lives', [
      ['What happens', 'policy', 'Safe', 'condition', 'Secret afterwards', 'Events'],
      ...new Set(rows),
    ]);
    assert.doesNotMatch(stage.agent.log.text, /first|second|theirs/, 'no value in the log');
  },
);
