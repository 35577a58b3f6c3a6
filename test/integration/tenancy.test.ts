import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretPath } from '../stage/await-object.ts';
import { Scene, vss } from '../stage/scene.ts';

const TENANT = 'tenant';
/** The tenant's own; both exist in either world. */
const OWN = {
  db: JSON.stringify({
    user: 'u',
    list: [
      { name: 'a', v: '1' },
      { name: 'b', v: '2' },
    ],
    labels: { app: 'x' },
    annotations: { env: 'y' },
    nul: null,
  }),
  'db.replica': JSON.stringify({ user: 'r', labels: { app: 'z' } }),
};
/** Other tenants': longer and shorter names, the same paths, and what would make a ref ambiguous if it counted. */
const OTHERS = {
  d: JSON.stringify({ user: 'theirs' }),
  'db.user': 'theirs',
  'db.replica.user': JSON.stringify({ x: 'theirs' }),
  'db.labels': JSON.stringify({ app: 'theirs' }),
  dbx: JSON.stringify({ user: 'theirs', labels: { app: 'theirs' } }),
  other: JSON.stringify({ user: 'theirs', list: [{ name: 'a', v: '9' }] }),
  'other.labels.app': 'theirs',
  'vsecm-internal': JSON.stringify({ user: 'theirs' }),
};

const REFS = [
  'db',
  'db.user',
  'db.list',
  'db.list.0.name',
  'db.list.9',
  'db.nothing',
  'db.nul',
  'db.replica',
  'db.replica.user',
  'db.replica.x',
  'dbx',
  'dbx.user',
  'd',
  'd.user',
  'other',
  'other.user',
  'other.list.0',
  'unknown',
  'unknown.user',
  'vsecm-internal',
  'vsecm-internal.user',
  '$.db',
  '$.db.user',
  '$.db.list[0].v',
  '$.db.list[*]',
  "$.db.list[?(@.name=='b')].v",
  "$.db.list[?(@.name=='c')].v",
  "$['db.replica'].user",
  "$['db.replica.user'].x",
  "$['db.user']",
  "$['other'].list[?(@.name=='a')].v",
  '$.unknown',
  "$['unknown'].x",
  '$.other.user',
];
const LABEL_REFS = [
  'db.labels.app',
  'db.replica.labels.app',
  'dbx.labels.app',
  'other.labels.app',
  'unknown.labels.app',
  'db.labels.nothing',
];
const ANNOTATION_REFS = ['db.annotations.env', 'other.annotations.env', 'db.replica.annotations.env'];

/** Every form of ref, each in a resource of its own; and all that work together. */
function resources(): object[] {
  const one = (name: string, spec: object): object => vss(name, { refreshInterval: '1h', ...spec });
  return [
    ...REFS.map((ref, index) => one(`data-${index}`, { data: [{ key: 'k', ref }] })),
    ...LABEL_REFS.map((ref, index) =>
      one(`label-${index}`, { data: [{ key: 'k', ref: 'db.user' }], labels: [{ key: 'l', ref }] }),
    ),
    ...ANNOTATION_REFS.map((ref, index) =>
      one(`annotation-${index}`, { data: [{ key: 'k', ref: 'db.user' }], annotations: [{ key: 'a', ref }] }),
    ),
    ...['db', 'db.list', 'db.list.0', 'other', 'dbx', '$.db', "$['db.replica']"].map((ref, index) =>
      one(`from-${index}`, { dataFrom: [{ ref }] }),
    ),
    one('both', { data: [{ key: 'user', ref: 'db.list.0.v' }], dataFrom: [{ ref: 'db.replica' }] }),
    one('decoded', { data: [{ key: 'k', ref: 'db.user', decode: 'Base64' }] }),
  ];
}

/** What the tenant can see of one world, once every resource has come to rest; times, uids and versions masked. */
async function outcome(others: Record<string, string>): Promise<object> {
  await using scene = await Scene.start();
  await scene.stage.namespace(TENANT);
  for (const [name, value] of Object.entries(OWN))
    await scene.stage.safe.register({ name: `raw:${name}`, value, namespaces: [TENANT] });
  for (const [name, value] of Object.entries(others)) {
    await scene.stage.safe.register({
      name: `raw:${name}`,
      value,
      namespaces: name.startsWith('vsecm-') ? ['*'] : ['somebody-else'],
    });
  }
  const seen: Record<string, object> = {};
  const applied = await scene.apply(resources(), TENANT);
  for (const {
    metadata: { name },
  } of applied) {
    const { status } = await scene.vss(
      TENANT,
      name,
      (object) => (object?.status?.conditions?.length ?? 0) > 0,
    );
    const answer = await scene.stage.cluster.request('GET', secretPath(TENANT, name));
    const { metadata: { labels, annotations } = {}, data, type } = answer.body;
    const events = (await scene.events(TENANT, name)).map(({ type: kind, reason, note }: any) => ({
      kind,
      reason,
      note,
    }));
    const secret = answer.status === 404 ? 'absent' : { labels, annotations, data, type };
    seen[name] = { status: masked(status), secret, events };
  }
  return seen;
}

const TIMES = new Set(['lastTransitionTime', 'since', 'lastSyncTime', 'sourceUpdated', 'resourceVersion']);
const masked = (value: any): any =>
  JSON.parse(JSON.stringify(value, (key, one) => (TIMES.has(key) ? '*' : one)));

test('a tenant sees the same Secrets, statuses and Events whether or not other tenants have secrets', async () => {
  const [alone, among] = [await outcome({}), await outcome(OTHERS)];
  assert.deepEqual(among, alone);
  const all = JSON.stringify(among);
  assert.doesNotMatch(all, /theirs/);
  // The table is worth something only if both good and bad outcomes are in it.
  const codes = new Set([...all.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code));
  for (const code of ['NotGranted', 'RefNotFound', 'RefIsNull', 'RefAmbiguous'])
    assert.ok(codes.has(code), code);
  assert.ok(all.includes('"reason":"Synced"'));
});
