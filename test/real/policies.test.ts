import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FAST, Stage } from '../stage/stage.ts';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { valuesOf, vss } from '../stage/scene.ts';

const POLICIES = ['Owner', 'Orphan', 'Merge'] as const;
type Policy = (typeof POLICIES)[number];

const TABLE = join(import.meta.dirname, '../../docs/policies.md');

/** One namespace per cell of the table. */
interface Cell {
  ns: string;
  policy: Policy;
}

/** What was there before the VSecMSecret, or happens in the middle of its first write; and what to look at afterwards. */
interface Situation {
  name: string;
  arrange: (cell: Cell) => Promise<void>;
  /** Runs after the resource has come to rest once; the outcome is looked at after it has again. */
  since?: (cell: Cell) => Promise<void>;
}

let stage: Stage;
let agent: RunningAgent;

before(async () => {
  stage = await Stage.start({ kind: 'real', controllers: true });
  agent = startInProcess(await stage.join('node-1'), { pace: FAST, floorMs: 50 });
  await agent.port();
  await stage.safe.register({
    name: 'raw:vsecm-agent-placeholder',
    value: 'placeholder',
    namespaces: ['vsecm-agent'],
  });
});
after(async () => {
  await agent.stop();
  await stage.close();
});

const api = () => stage.cluster.admin;
const secret = (ns: string, data: Record<string, string>, more: object = {}, metadata: object = {}) =>
  api().ok('POST', `/api/v1/namespaces/${ns}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'target', ...metadata },
    stringData: data,
    ...more,
  });
const merge = (path: string, patch: object) =>
  api().ok('PATCH', path, patch, { 'content-type': 'application/merge-patch+json' });
const register = (ns: string, password: string) =>
  stage.safe.register({ name: `raw:${ns}`, value: JSON.stringify({ password }), namespaces: [ns] });
const spec = ({ ns, policy }: Cell, target: object = {}) => ({
  target: { name: 'target', creationPolicy: policy, ...target },
  data: [{ key: 'password', ref: `${ns}.password` }],
});
const CONSENT = { annotations: { 'vsecm.com/allow-adoption': 'true' } };

/** Makes the target this resource's, however the policy gets there. */
async function own(cell: Cell): Promise<void> {
  if (cell.policy === 'Merge') await secret(cell.ns, { theirs: 'kept' }, {}, CONSENT);
}

/** Asks for a refresh and waits for the end of its attempt, whatever it is. */
async function refresh({ ns }: Cell): Promise<any> {
  const token = `${performance.now()}`;
  await merge(vssPath(ns, 'db'), { metadata: { annotations: { 'vsecm.com/refresh': token } } });
  return awaitObject(api(), vssPath(ns, 'db'), (object) => object.status?.handledRefresh === token);
}

const SITUATIONS: Situation[] = [
  { name: 'absent', arrange: async () => {} },
  {
    name: 'this resource’s, and the value changes',
    arrange: own,
    since: async (cell) => {
      await register(cell.ns, 'second');
      await refresh(cell);
    },
  },
  {
    name: 'an older VSecMSecret’s',
    arrange: async ({ ns }) => {
      await stage.cluster.apply(
        vss('older', { target: { name: 'target' }, data: [{ key: 'password', ref: `${ns}.password` }] }),
        ns,
      );
      const older = await awaitObject(api(), vssPath(ns, 'older'), isReady);
      // Ages are compared in whole seconds.
      while (new Date().toISOString().slice(0, 19) <= older.metadata.creationTimestamp.slice(0, 19))
        await new Promise((resolve) => setImmediate(resolve));
    },
  },
  {
    name: 'someone else’s, with the same key',
    arrange: async ({ ns }) => void (await secret(ns, { password: 'theirs' })),
  },
  {
    name: 'someone else’s, with other keys',
    arrange: async ({ ns }) => void (await secret(ns, { theirs: 'kept' })),
  },
  {
    name: 'someone else’s, same key, with consent',
    arrange: async ({ ns }) => void (await secret(ns, { password: 'theirs' }, {}, CONSENT)),
  },
  {
    name: 'someone else’s, other keys, with consent',
    arrange: async ({ ns }) => void (await secret(ns, { theirs: 'kept' }, {}, CONSENT)),
  },
  {
    name: 'this resource’s, made immutable, and the value changes',
    arrange: own,
    since: async (cell) => {
      await merge(secretPath(cell.ns, 'target'), { immutable: true });
      await register(cell.ns, 'second');
      await refresh(cell);
    },
  },
  {
    name: 'of another type, with consent',
    arrange: async ({ ns }) =>
      void (await secret(ns, { theirs: 'kept' }, { type: 'example.com/other' }, CONSENT)),
  },
  {
    name: 'someone else’s, being deleted',
    arrange: async ({ ns }) => {
      await secret(ns, { password: 'theirs' }, {}, { finalizers: ['example.com/hold'] });
      await api().ok('DELETE', secretPath(ns, 'target'));
    },
  },
  {
    name: 'made by someone in the middle of our first write, same key',
    arrange: async ({ ns }) => {
      stage.cluster.controls.before({ verb: 'patch', resource: 'secrets', apply: true, namespace: ns }, () =>
        secret(ns, { password: 'theirs' }),
      );
    },
  },
  {
    name: 'made by someone in the middle of our first write, other keys',
    arrange: async ({ ns }) => {
      stage.cluster.controls.before({ verb: 'patch', resource: 'secrets', apply: true, namespace: ns }, () =>
        secret(ns, { theirs: 'kept' }),
      );
    },
  },
  {
    name: 'this resource’s, and the resource is deleted',
    arrange: own,
    since: async ({ ns, policy }) => {
      await api().ok('DELETE', vssPath(ns, 'db'));
      if (policy === 'Owner') await awaitObject(api(), secretPath(ns, 'target'), (one) => one === undefined);
    },
  },
  {
    name: 'this resource’s, and the resource is deleted with --cascade=orphan',
    arrange: own,
    since: async ({ ns }) => {
      await api().ok('DELETE', `${vssPath(ns, 'db')}?propagationPolicy=Orphan`);
      await awaitObject(api(), vssPath(ns, 'db'), (one) => one === undefined);
    },
  },
  {
    name: 'this resource’s, and the resource names another target',
    arrange: own,
    since: async (cell) => {
      if (cell.policy === 'Merge')
        await secret(cell.ns, { theirs: 'kept' }, {}, { name: 'renamed', ...CONSENT });
      await stage.cluster.apply(vss('db', spec(cell, { name: 'renamed' })), cell.ns);
      await awaitObject(
        api(),
        vssPath(cell.ns, 'db'),
        (one) => isReady(one) && one.status.secret.name === 'renamed',
      );
    },
  },
];

/** What a reader sees of a Secret: values told by whose they are. */
function describe(found: any, before: any): string {
  if (!found) return 'absent';
  const values = Object.entries(valuesOf(found))
    .sort()
    .map(([key, value]) => `${key}=${value}`);
  const owner = found.metadata.ownerReferences ? ', owned by the resource' : '';
  const untouched =
    before && found.metadata.resourceVersion === before.metadata.resourceVersion ? ', untouched' : '';
  const foreign = found.type === 'Opaque' ? '' : `, type ${found.type}`;
  return `${values.join(' ')}${foreign}${found.immutable ? ', immutable' : ''}${owner}${untouched}`;
}

async function cell(situation: Situation, policy: Policy, number: number): Promise<string[]> {
  const ns = await stage.namespace(`cell-${number}-${policy.toLowerCase()}`);
  const it: Cell = { ns, policy };
  await register(ns, 'first');
  await situation.arrange(it);
  const { body: before } = await stage.cluster.request('GET', secretPath(ns, 'target'));
  await stage.cluster.apply(vss('db', spec(it)), ns);
  await awaitObject(api(), vssPath(ns, 'db'), (object) => (object?.status?.conditions?.length ?? 0) > 0);
  await situation.since?.(it);
  // What the agent might do wrong after the end would be done before this other resource is ready.
  await stage.cluster.apply(vss('after', { data: [{ key: 'p', ref: `${ns}.password` }] }, CONSENT), ns);
  await awaitObject(api(), vssPath(ns, 'after'), isReady);

  const answer = await stage.cluster.request('GET', vssPath(ns, 'db'));
  const ready = answer.body.status?.conditions?.find((one: any) => one.type === 'Ready');
  const found = await stage.cluster.request('GET', secretPath(ns, 'target'));
  const { items } = await api().ok('GET', `/apis/events.k8s.io/v1/namespaces/${ns}/events`);
  const events = items
    .filter((event: any) => event.regarding.name === 'db')
    .sort((a: any, b: any) => (a.eventTime < b.eventTime ? -1 : 1));
  return [
    situation.name,
    policy,
    answer.status === 404 ? '(gone)' : ready.status === 'True' ? 'Ready' : ready.reason,
    describe(found.status === 404 ? undefined : found.body, before.kind === 'Secret' ? before : undefined),
    events.map((event: any) => event.reason).join(', ') || '—',
  ];
}

test('policies and situations: what becomes of the Secret, the condition and the Events', async () => {
  const rows: string[][] = [];
  for (const [index, situation] of SITUATIONS.entries()) {
    for (const policy of POLICIES) rows.push(await cell(situation, policy, index));
  }
  const table = [
    ['The target is …', 'policy', 'condition', 'Secret afterwards', 'Events'],
    ['---', '---', '---', '---', '---'],
    ...rows,
  ]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
  const text = `${HEAD}\n${table}\n`;
  if (process.env['UPDATE_SNAPSHOTS'] === '1') await writeFile(TABLE, text);
  assert.equal(text, await readFile(TABLE, 'utf8'));
  assert.doesNotMatch(agent.log.text, /first|second|theirs/, 'no value in the log');
});

const HEAD = `# What becomes of a Secret

Each row was seen on a real kube-apiserver with its garbage collector; \`test/real/policies.test.ts\` holds this
table to it. \`first\` and \`second\` are values from Safe, \`theirs\` and \`kept\` are somebody else's.
"Untouched" means that not even the resourceVersion changed.
`;
