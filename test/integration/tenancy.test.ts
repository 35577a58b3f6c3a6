import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretPath } from '../stage/await-object.ts';
import { OtherCluster } from '../stage/other-cluster.ts';
import { Scene, vss } from '../stage/scene.ts';
import { eventually } from '../stage/witness.ts';

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
function resources(place: string, safe: object = {}): object[] {
  const one = (name: string, spec: object): object =>
    vss(`${place}${name}`, { refreshInterval: '1h', ...safe, ...spec });
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
  for (const [name, value] of Object.entries(OWN))
    await scene.stage.safe.register({ name: `raw:${name}`, value, namespaces: [TENANT] });
  for (const [name, value] of Object.entries(others)) {
    await scene.stage.safe.register({
      name: `raw:${name}`,
      value,
      namespaces: name.startsWith('vsecm-') ? ['*'] : ['somebody-else'],
    });
  }
  return await sight(scene, resources(''));
}

async function sight(scene: Scene, resources: object[]): Promise<object> {
  await scene.stage.namespace(TENANT);
  const seen: Record<string, object> = {};
  const applied = await scene.apply(resources, TENANT);
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
    // Each has one, and they go out at a pace.
    const published = await eventually('Event', async () => {
      const all = await scene.events(TENANT, name);
      return all.length > 0 && all;
    });
    const events = published.map(({ type: kind, reason, note }: any) => ({ kind, reason, note }));
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

/** Names of the grants of others in a Safe elsewhere: none of them means this cluster's namespace. */
const ELSEWHERE = [[TENANT], ['*'], [`b.example/${TENANT}`, `*/${TENANT}`], ['vsecm.com/somebody-else']];

/** The same for two Safes with equal names in both, of which the one elsewhere takes plain names or does not. */
async function outcomeOfTwo(others: Record<string, string>, grants: 'qualified' | 'plain'): Promise<object> {
  let other: OtherCluster | undefined;
  await using scene = await Scene.start(async (stage) => {
    other = await OtherCluster.start(stage);
    other.federate(await stage.spire('node-1'));
    const safe = { url: ABROAD, dial: other.safe.url, trustDomain: 'b.example', grants };
    return { VSECM_AGENT_SAFES: JSON.stringify([safe]) };
  });
  try {
    for (const [name, value] of Object.entries(OWN)) {
      await scene.register(name, value, [TENANT]);
      const abroad = value.replaceAll('"u"', '"abroad"').replaceAll('"1"', '"one"');
      await other?.register(name, abroad, [grants === 'plain' ? TENANT : `vsecm.com/${TENANT}`]);
    }
    for (const [index, [name, value]] of Object.entries(others).entries()) {
      await scene.register(name, value, [`b.example/${TENANT}`, 'somebody-else']);
      const names = grants === 'plain' ? ['somebody-else'] : ELSEWHERE[index % ELSEWHERE.length]!;
      await other?.register(name, value, names);
    }
    return await sight(scene, [...resources('home-'), ...resources('abroad-', { vsecmSafeURL: ABROAD })]);
  } finally {
    await other?.close();
  }
}

const ABROAD = 'https://safe.b.example';

for (const grants of ['qualified', 'plain'] as const) {
  test(`over two Safes with equal names in both a tenant sees the same, with ${grants} grants elsewhere`, async () => {
    const [alone, among] = [await outcomeOfTwo({}, grants), await outcomeOfTwo(OTHERS, grants)];
    assert.deepEqual(among, alone);
    const all = JSON.stringify(among);
    assert.doesNotMatch(all, /theirs/);
    const values = (name: string): string =>
      Buffer.from((among as any)[name].secret.data.k as string, 'base64').toString();
    assert.deepEqual([values('home-data-1'), values('abroad-data-1')], ['u', 'abroad']);
    for (const code of ['NotGranted', 'RefNotFound', 'RefIsNull', 'RefAmbiguous'])
      assert.equal((among as any)[`abroad-${named(code, among)}`]?.status.failure.code, code);
  });
}

/** The name of a resource, without its place, that fails so at home. */
function named(code: string, seen: object): string {
  const [name = ''] =
    Object.entries(seen).find(
      ([key, one]: any) => key.startsWith('home-') && one.status.failure?.code === code,
    ) ?? [];
  return name.replace('home-', '');
}
