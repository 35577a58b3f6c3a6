import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { vss } from '../stage/scene.ts';
import { holdTable } from './policies-page.ts';
import { CONSENT, describe, POLICIES, PolicyStage, type Cell, type Policy } from './policy-stage.ts';

/** What was there before the VSecMSecret, or happens in the middle of its first write; and what to look at afterwards. */
interface Situation {
  name: string;
  arrange: (cell: Cell) => Promise<void>;
  /** Runs after the resource has come to rest once; the outcome is looked at after it has again. */
  since?: (cell: Cell) => Promise<void>;
}

let stage: PolicyStage;

before(async () => {
  stage = await PolicyStage.start();
});
after(() => stage.close());

const SITUATIONS: Situation[] = [
  { name: 'absent', arrange: async () => {} },
  {
    name: 'this resource’s, and the value changes',
    arrange: (cell) => stage.arrange(cell),
    since: async (cell) => {
      await stage.register(cell.ns, 'second');
      await stage.refresh(cell);
    },
  },
  {
    name: 'an older VSecMSecret’s',
    arrange: async ({ ns }) => {
      await stage.stage.cluster.apply(
        vss('older', { target: { name: 'target' }, data: [{ key: 'password', ref: `${ns}.password` }] }),
        ns,
      );
      const older = await awaitObject(stage.api, vssPath(ns, 'older'), isReady);
      await stage.aged(older.metadata.creationTimestamp);
    },
  },
  {
    name: 'someone else’s, with the same key',
    arrange: async ({ ns }) => void (await stage.secret(ns, { password: 'theirs' })),
  },
  {
    name: 'someone else’s, with other keys',
    arrange: async ({ ns }) => void (await stage.secret(ns, { theirs: 'kept' })),
  },
  {
    name: 'someone else’s, same key, with consent',
    arrange: async ({ ns }) => void (await stage.secret(ns, { password: 'theirs' }, {}, CONSENT)),
  },
  {
    name: 'someone else’s, other keys, with consent',
    arrange: async ({ ns }) => void (await stage.secret(ns, { theirs: 'kept' }, {}, CONSENT)),
  },
  {
    name: 'this resource’s, made immutable, and the value changes',
    arrange: (cell) => stage.arrange(cell),
    since: async (cell) => {
      await stage.patch(secretPath(cell.ns, 'target'), { immutable: true });
      await stage.register(cell.ns, 'second');
      await stage.refresh(cell);
    },
  },
  {
    name: 'of another type, with consent',
    arrange: async ({ ns }) =>
      void (await stage.secret(ns, { theirs: 'kept' }, { type: 'example.com/other' }, CONSENT)),
  },
  {
    name: 'someone else’s, with a controller, other keys, with consent',
    arrange: async ({ ns }) => {
      const metadata = { name: 'boss' };
      const boss = await stage.api.ok('POST', `/api/v1/namespaces/${ns}/configmaps`, { metadata });
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', controller: true, blockOwnerDeletion: true };
      const ownerReferences = [{ ...owner, ...metadata, uid: boss.metadata.uid }];
      await stage.secret(ns, { theirs: 'kept' }, {}, { ...CONSENT, ownerReferences });
    },
  },
  {
    name: 'an agent’s, restored from a backup with its labels alone',
    arrange: async ({ ns }) => {
      const labels = { 'vsecm.com/managed': 'true', 'app.kubernetes.io/managed-by': 'vsecm-agent' };
      await stage.secret(ns, { password: 'old', revoked: 'kept' }, {}, { labels });
    },
  },
  {
    name: 'someone else’s, being deleted',
    arrange: async ({ ns }) => {
      await stage.secret(ns, { password: 'theirs' }, {}, { finalizers: ['example.com/hold'] });
      await stage.api.ok('DELETE', secretPath(ns, 'target'));
    },
  },
  {
    name: 'made by someone in the middle of our first write, same key',
    arrange: async ({ ns }) => {
      stage.stage.cluster.controls.before(
        { verb: 'patch', resource: 'secrets', apply: true, namespace: ns },
        () => stage.secret(ns, { password: 'theirs' }),
      );
    },
  },
  {
    name: 'made by someone in the middle of our first write, other keys',
    arrange: async ({ ns }) => {
      stage.stage.cluster.controls.before(
        { verb: 'patch', resource: 'secrets', apply: true, namespace: ns },
        () => stage.secret(ns, { theirs: 'kept' }),
      );
    },
  },
  {
    name: 'this resource’s, and the resource is deleted',
    arrange: (cell) => stage.arrange(cell),
    since: async ({ ns, policy }) => {
      await stage.api.ok('DELETE', vssPath(ns, 'db'));
      if (policy === 'Owner')
        await awaitObject(stage.api, secretPath(ns, 'target'), (one) => one === undefined);
    },
  },
  {
    name: 'this resource’s, and the resource is deleted with --cascade=orphan',
    arrange: (cell) => stage.arrange(cell),
    since: async ({ ns }) => {
      await stage.api.ok('DELETE', `${vssPath(ns, 'db')}?propagationPolicy=Orphan`);
      await awaitObject(stage.api, vssPath(ns, 'db'), (one) => one === undefined);
    },
  },
  {
    name: 'this resource’s, and the resource names another target',
    arrange: (cell) => stage.arrange(cell),
    since: async (cell) => {
      await stage.arrange(cell, 'renamed');
      await stage.declare(cell, { name: 'renamed' });
      await awaitObject(
        stage.api,
        vssPath(cell.ns, 'db'),
        (one) => isReady(one) && one.status.secret.name === 'renamed',
      );
    },
  },
];

async function cell(situation: Situation, policy: Policy, number: number): Promise<string[]> {
  const ns = await stage.stage.namespace(`cell-${number}-${policy.toLowerCase()}`);
  const it: Cell = { ns, policy };
  await stage.register(ns, 'first');
  await situation.arrange(it);
  const before = await stage.look(ns);
  await stage.declare(it);
  await awaitObject(stage.api, vssPath(ns, 'db'), (object) => (object?.status?.conditions?.length ?? 0) > 0);
  await situation.since?.(it);
  await stage.afterwards(ns);
  const condition = await stage.condition(ns);
  const secret = describe(await stage.look(ns), before);
  return [situation.name, policy, condition, secret, (await stage.events(ns)).join(', ') || '—'];
}

test('policies and situations: what becomes of the Secret, the condition and the Events', async () => {
  const rows = [['The target is …', 'policy', 'condition', 'Secret afterwards', 'Events']];
  for (const [index, situation] of SITUATIONS.entries()) {
    for (const policy of POLICIES) rows.push(await cell(situation, policy, index));
  }
  await holdTable('## A resource that is new', rows);
  assert.doesNotMatch(stage.agent.log.text, /first|second|theirs/, 'no value in the log');
});
