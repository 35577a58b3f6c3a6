import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster, type TestCluster } from '../cluster.ts';
import { APPLY, MERGE, type ApiAnswer, type ApiClient } from '../devcluster/api-client.ts';
import { agentClient, eventually, installShipped } from './shipped.ts';

const SECRETS = '/api/v1/namespaces/default/secrets';
const POLICY_BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
const MANAGED = { 'vsecm.com/managed': 'true' };
const MADE = { ...MANAGED, 'app.kubernetes.io/managed-by': 'vsecm-agent' };
const CONSENT = { 'vsecm.com/allow-adoption': 'true' };
const TOKEN_TYPES = ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'];

const MAY_CHANGE = /may change only Secrets that it made .*, or those with the annotation/;
const MAY_WRITE = /may write only Secrets that carry the label vsecm\.com\/managed=true/;
const MAY_DELETE = /may delete only Secrets that it made .* and that a VSecMSecret owns/;
const MAY_MARK = /may not mark as its own what somebody else made/;
const OUT_OF_REACH = /writes no Secrets in namespaces of Kubernetes, VSecM and SPIRE/;
const OTHERS_OWNERS = /may not change the owners of a Secret that somebody else made/;
const NO_TOKENS = /may not write service account tokens and bootstrap tokens/;
const OWNERS = /may add only VSecMSecrets as owners, and none that blocks a deletion/;
const FINALIZERS = /may not change finalizers/;

const owner = (more: object = {}): object => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  name: 'db',
  uid: '00000000-0000-0000-0000-000000000001',
  ...more,
});
const CONFIG_MAP = { apiVersion: 'v1', kind: 'ConfigMap', name: 'theirs' };

/** A Secret: its metadata, and what else it is. */
type Fields = { metadata?: Record<string, unknown>; type?: string; data?: Record<string, string> };
const body = (name: string, { metadata = {}, type, data = { key: 'value' } }: Fields): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, ...metadata },
  ...(type && { type }),
  stringData: data,
});
const labelled = (more: object = {}): Fields => ({ metadata: { labels: MANAGED, ...more } });
const made = (more: object = {}): Fields => ({ metadata: { labels: MADE, ...more } });
const consented = (more: object = {}): Fields => ({ metadata: { annotations: CONSENT, ...more } });
const consenting = (fields: Fields): Fields => {
  const { annotations = {}, ...metadata } = fields.metadata ?? {};
  return { ...fields, metadata: { ...metadata, annotations: { ...(annotations as object), ...CONSENT } } };
};
const tokenOf = (type: string): Fields => ({
  metadata: { labels: MANAGED, annotations: { 'kubernetes.io/service-account.name': 'default' } },
  type,
});

type Write = (agent: ApiClient, name: string) => Promise<ApiAnswer>;
const applies =
  (fields: Fields, force = true): Write =>
  (agent, name) =>
    agent.request('PATCH', `${SECRETS}/${name}?fieldManager=vsecm-agent&force=${force}`, body(name, fields), {
      'content-type': APPLY,
    });
const gives: Write = (agent, name) =>
  agent.request(
    'PATCH',
    `${SECRETS}/${name}?fieldManager=vsecm-agent`,
    { apiVersion: 'v1', kind: 'Secret', metadata: { name } },
    { 'content-type': APPLY },
  );
const patches =
  (patch: object): Write =>
  (agent, name) =>
    agent.request('PATCH', `${SECRETS}/${name}`, patch, { 'content-type': MERGE });
const posts =
  (fields: Fields): Write =>
  (agent, name) =>
    agent.request('POST', SECRETS, body(name, fields));
const deletes: Write = (agent, name) => agent.request('DELETE', `${SECRETS}/${name}`);

interface Attempt {
  /** What the administrator made before; absent: nothing. */
  there?: Fields;
  /** What the administrator did since. */
  since?: Write;
  write: Write;
}

const FORBIDDEN: Record<string, Attempt & { message: RegExp }> = {
  'to create one without the label': { write: applies({}), message: MAY_WRITE },
  'to create one without the label, by POST': { write: posts({}), message: MAY_WRITE },
  'to create one with another value of the label': {
    write: applies({ metadata: { labels: { 'vsecm.com/managed': 'false' } } }),
    message: MAY_WRITE,
  },
  'to take the label off its own': {
    since: applies(made()),
    write: applies({}, false),
    message: MAY_WRITE,
  },
  'to take the label off its own, by another patch': {
    there: made(),
    write: patches({ metadata: { labels: { 'vsecm.com/managed': null } } }),
    message: MAY_WRITE,
  },
  'to give back all that it shares of one that it may adopt': {
    there: { metadata: { annotations: CONSENT } },
    write: gives,
    message: MAY_WRITE,
  },
  "to overwrite somebody else's": { there: {}, write: applies(labelled()), message: MAY_CHANGE },
  "to overwrite somebody else's by another patch": {
    there: {},
    write: patches({ metadata: { labels: MANAGED }, stringData: { key: 'mine' } }),
    message: MAY_CHANGE,
  },
  "to merge a key of its own into somebody else's": {
    there: { data: { theirs: 'kept' } },
    write: applies(labelled(), false),
    message: MAY_CHANGE,
  },
  'to overwrite one whose owner consented to nothing': {
    there: { metadata: { annotations: { 'vsecm.com/allow-adoption': 'false' } } },
    write: applies(labelled()),
    message: MAY_CHANGE,
  },
  'to overwrite one that carries the label with another value': {
    there: { metadata: { labels: { 'vsecm.com/managed': 'no' } } },
    write: applies(labelled()),
    message: MAY_CHANGE,
  },
  'to overwrite one on which somebody else used its name, not for an apply': {
    there: {},
    since: (admin, name) =>
      admin.request(
        'PATCH',
        `${SECRETS}/${name}?fieldManager=vsecm-agent`,
        { metadata: { labels: { some: 'label' } } },
        { 'content-type': MERGE },
      ),
    write: applies(labelled()),
    message: MAY_CHANGE,
  },
  'to go on changing one whose owner consents no more': {
    there: consented(),
    since: async (admin, name) => {
      await applies(labelled())(admin, name);
      return patches({ metadata: { annotations: { 'vsecm.com/allow-adoption': null } } })(admin, name);
    },
    write: applies(labelled()),
    message: MAY_CHANGE,
  },
  'to mark one as its own that it may adopt': {
    there: consented(),
    write: applies(made()),
    message: MAY_MARK,
  },
  'to own one that it may adopt, which garbage collection would delete': {
    there: consented(),
    write: applies(labelled({ ownerReferences: [owner()] })),
    message: OTHERS_OWNERS,
  },
  'to take away the owner of one that it may adopt': {
    there: consented({ ownerReferences: [owner(), owner({ ...CONFIG_MAP, uid: 'another' })] }),
    write: patches({ metadata: { labels: MANAGED, ownerReferences: [owner()] } }),
    message: OTHERS_OWNERS,
  },
  'to let a deletion go on that somebody holds up': {
    there: consented({ finalizers: ['example.com/hold'] }),
    write: patches({ metadata: { labels: MANAGED, finalizers: null } }),
    message: FINALIZERS,
  },
  "to delete somebody else's": { there: {}, write: deletes, message: MAY_DELETE },
  'to delete one that it may adopt': {
    there: { metadata: { annotations: CONSENT, ownerReferences: [owner()] } },
    write: deletes,
    message: MAY_DELETE,
  },
  'to delete one that it only merges keys into': {
    there: labelled({ ownerReferences: [owner()] }),
    write: deletes,
    message: MAY_DELETE,
  },
  'to delete one that outlives its VSecMSecret': {
    there: made(),
    write: deletes,
    message: MAY_DELETE,
  },
  'to delete one that somebody else owns': {
    there: made({ ownerReferences: [owner({ ...CONFIG_MAP })] }),
    write: deletes,
    message: MAY_DELETE,
  },
  'to delete one that something of another group owns': {
    there: made({ ownerReferences: [owner({ apiVersion: 'vsecm.company/v1' })] }),
    write: deletes,
    message: MAY_DELETE,
  },
  ...Object.fromEntries(
    TOKEN_TYPES.flatMap((type): [string, Attempt & { message: RegExp }][] => [
      [`to create ${type}`, { write: applies(tokenOf(type)), message: NO_TOKENS }],
      [
        `to change ${type}`,
        {
          there: consenting(tokenOf(type)),
          write: patches({ stringData: { more: 'keys' } }),
          message: NO_TOKENS,
        },
      ],
      [
        `to delete ${type}`,
        {
          there: {
            ...tokenOf(type),
            metadata: { ...tokenOf(type).metadata, labels: MADE, ownerReferences: [owner()] },
          },
          write: deletes,
          message: NO_TOKENS,
        },
      ],
    ]),
  ),
  'to make something else the owner': {
    there: made(),
    write: applies(made({ ownerReferences: [owner(CONFIG_MAP)] })),
    message: OWNERS,
  },
  'to create one that something else owns': {
    write: applies(labelled({ ownerReferences: [owner({ apiVersion: 'vsecm.company/v1' })] })),
    message: OWNERS,
  },
  'to hold up the deletion of a VSecMSecret': {
    there: made(),
    write: applies(made({ ownerReferences: [owner({ blockOwnerDeletion: true })] })),
    message: OWNERS,
  },
  'to hold up a deletion by a finalizer': {
    there: made(),
    write: applies(made({ finalizers: ['example.com/hold'] })),
    message: FINALIZERS,
  },
};

const ALLOWED: Record<string, Attempt & { status?: number }> = {
  'to create one with the label': { write: applies(labelled(), false), status: 201 },
  'to create one that a VSecMSecret owns': {
    write: applies(labelled({ ownerReferences: [owner({ controller: true })] }), false),
    status: 201,
  },
  'to change its own': { there: made(), write: applies(made({ labels: { ...MADE, app: 'db' } })) },
  'to put the label back that somebody stripped': {
    since: async (admin, name) => {
      await applies(made())(admin, name);
      return patches({ metadata: { labels: { 'vsecm.com/managed': null } } })(admin, name);
    },
    write: applies(made()),
  },
  'to own and to let go of what it made': {
    there: made({ ownerReferences: [owner({ uid: 'another' })] }),
    write: applies(made({ ownerReferences: [owner()] })),
  },
  'to adopt one whose owner consents': {
    there: consented(),
    write: applies(labelled()),
  },
  'to merge a key into one whose owner consents, and the rest stays theirs': {
    there: {
      metadata: {
        annotations: CONSENT,
        ownerReferences: [owner({ ...CONFIG_MAP, blockOwnerDeletion: true })],
        finalizers: ['example.com/hold'],
      },
      type: 'example.com/theirs',
      data: { theirs: 'kept' },
    },
    write: applies(labelled(), false),
  },
  'to delete its own that a VSecMSecret owns': {
    there: made({ ownerReferences: [owner()] }),
    write: deletes,
  },
};

// In order: the last test takes the policy away.
describe("what the API server lets the agent's own token write", { timeout: 180_000 }, () => {
  let cluster: TestCluster;
  let agent: ApiClient;
  /** What was there before the agent's attempt. */
  const found = new Map<string, ApiAnswer>();
  const nameOf = (title: string): string => title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const look = (name: string): Promise<ApiAnswer> => cluster.request('GET', `${SECRETS}/${name}`);

  async function arrange(title: string, { there, since }: Attempt): Promise<string> {
    const name = nameOf(title);
    if (there) await cluster.admin.ok('POST', SECRETS, body(name, there));
    if (since) assert.ok((await since(cluster.admin, name)).status < 300);
    found.set(name, await look(name));
    return name;
  }

  before(async () => {
    cluster = await startCluster({ kind: 'real' });
    const { exitCode, stderr } = await installShipped(cluster);
    assert.equal(exitCode, 0, stderr);
    agent = await agentClient(cluster);
    // A new policy is in force after a moment.
    const refused = await eventually(
      () => applies({})(agent, 'probe'),
      ({ status }) => status === 403,
    );
    assert.equal(refused.status, 403, 'the policy does not take effect');
    await cluster.request('DELETE', `${SECRETS}/probe`);
  });
  after(async () => {
    await agent?.close();
    await cluster?.stop();
  });

  for (const [title, attempt] of Object.entries(ALLOWED)) {
    test(`allowed: ${title}`, async () => {
      const name = await arrange(title, attempt);
      const answer = await attempt.write(agent, name);
      assert.equal(answer.status, attempt.status ?? 200, JSON.stringify(answer.body));
    });
  }

  for (const [title, attempt] of Object.entries(FORBIDDEN)) {
    test(`forbidden: ${title}`, async () => {
      const name = await arrange(title, attempt);
      const { status, body: refusal } = await attempt.write(agent, name);
      assert.equal(status, 403, JSON.stringify(refusal));
      assert.equal(refusal.reason, 'Forbidden');
      assert.match(refusal.message, attempt.message);
      assert.deepEqual((await look(name)).body, found.get(name)?.body);
    });
  }

  test('forbidden: to write anything in namespaces of Kubernetes, VSecM and SPIRE, until they are labelled', async () => {
    const namespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'vsecm-agent'];
    for (const name of ['vsecm-system', 'spire-system', 'spire-server', 'spire-mgmt']) {
      await cluster.admin.ok('POST', '/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
      namespaces.push(name);
    }
    for (const namespace of namespaces) {
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const there = body('there', made({ ownerReferences: [owner()] }));
      await cluster.admin.ok('POST', path, there);
      for (const answer of [
        await agent.request('POST', path, body('new', made())),
        await agent.request('POST', path, {
          ...body('', made()),
          metadata: { generateName: 'x-', labels: MADE },
        }),
        await agent.request('PATCH', `${path}/there?fieldManager=vsecm-agent&force=true`, there, {
          'content-type': APPLY,
        }),
        await agent.request('DELETE', `${path}/there`),
      ]) {
        assert.equal(answer.status, 403, namespace);
        assert.match(answer.body.message, OUT_OF_REACH);
      }
    }
    await cluster.request(
      'PATCH',
      '/api/v1/namespaces/kube-system',
      { metadata: { labels: { 'vsecm.com/allow-secrets': 'true' } } },
      { 'content-type': MERGE },
    );
    const { status } = await eventually(
      () => agent.request('POST', '/api/v1/namespaces/kube-system/secrets', body('new', made())),
      (answer) => answer.status === 201,
    );
    assert.equal(status, 201);
  });

  test('forbidden: whatever its roles do not name', async () => {
    const ask = (method: string, path: string) =>
      agent.request(method, path, method === 'POST' ? {} : undefined);
    // 429: the storage of a CRD that is seconds old.
    const status = async (method: string, path: string) =>
      (
        await eventually(
          () => ask(method, path),
          (answer) => answer.status !== 429,
        )
      ).status;
    assert.equal(await status('GET', '/apis/vsecm.com/v1alpha1/vsecmsecrets'), 200);
    assert.equal(await status('GET', '/apis/discovery.k8s.io/v1/namespaces/vsecm-agent/endpointslices'), 200);
    assert.equal(await status('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'), 403);
    assert.equal(await status('POST', '/apis/vsecm.com/v1alpha1/namespaces/default/vsecmsecrets'), 403);
    assert.equal(await status('GET', '/api/v1/namespaces/default/configmaps'), 403);
    assert.equal(await status('PUT', `${SECRETS}/any`), 403);
    assert.equal(await status('DELETE', SECRETS), 403);
    assert.equal(await status('POST', '/api/v1/namespaces/default/serviceaccounts/default/token'), 403);
  });

  test('without the policy each of the forbidden writes goes through', async () => {
    await cluster.admin.ok('DELETE', `${POLICY_BINDINGS}/vsecm-agent-secrets`);
    await eventually(
      () => applies({})(agent, 'probe'),
      ({ status }) => status !== 403,
    );
    for (const [title, { write }] of Object.entries(FORBIDDEN)) {
      const { status, body: answer } = await write(agent, nameOf(title));
      assert.ok(status === 200 || status === 201, `${title}: ${status} ${JSON.stringify(answer)}`);
    }
  });
});
