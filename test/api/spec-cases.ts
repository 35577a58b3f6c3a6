/** A VSecMSecret as the API server would give it. */
export const resource = (spec: unknown): object => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  metadata: { name: 'sample', namespace: 'default' },
  spec,
});

type Change = Record<string, unknown>;

const withData = (change: Change): Change => ({ data: [{ key: 'a', ref: 's.a' }], ...change });
const entries = (count: number): Change[] =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i}`, ref: 's.labels.a' }));

/** A spec whose keys and refs have so many characters together, those of two UTF-16 units and four bytes among them. */
export function filled(characters: number): Record<string, unknown> {
  const ref = (length: number): string => 's.' + '😀'.repeat(length - 2);
  const key = (index: number): string => `k${100 + index}`;
  const pub = (index: number): string => `${'s'.repeat(500)}.labels.n${100 + index}`;
  const list = (count: number, entry: (index: number) => object): object[] =>
    Array.from({ length: count }, (_, index) => entry(index));
  const spec = {
    data: list(22, (index) => ({ key: key(index), ref: ref(1_000) })),
    dataFrom: list(4, (index) => ({ ref: `${index}${ref(999)}` })),
    labels: list(8, (index) => ({ key: key(index), ref: pub(index) })),
    annotations: list(3, (index) => ({ key: key(index), ref: pub(index) })),
    values: list(2, (index) => ({ name: key(index), ref: ref(100) })),
  };
  const texts = Object.values(spec).flatMap((entries) =>
    entries.flatMap((entry) => Object.values(entry) as string[]),
  );
  const left = characters - texts.reduce((sum, text) => sum + [...text].length, 0);
  return { ...spec, data: [...spec.data, { key: 'last', template: '😀'.repeat(left - 4) }] };
}

/** Specs that the CRD and the agent must both take. */
export const GOOD_SPECS: Record<string, Change> = {
  'all fields': {
    vsecmSafeURL: 'https://path/to/vsecm/safe/api/endpoint',
    secretType: 'k8s',
    refreshInterval: '1h',
    target: { name: 'database-credentials' },
    data: [
      { key: 'username', ref: 'databaseCredentials.cocaCola.data.username' },
      { key: 'password', ref: 'databaseCredentials.cocaCola.data.password' },
    ],
    labels: [{ key: 'app', ref: 'databaseCredentials.cocaCola.labels.app' }],
    annotations: [{ key: 'env', ref: 'databaseCredentials.cocaCola.annotations.env' }],
  },
  'as many characters as there may be': filled(32_768),
  'a template': {
    values: [
      { name: 'user', ref: 's.user' },
      { name: '_a-1', ref: '$.s.b' },
    ],
    data: [{ key: 'url', template: 'a://{{ user | urlquery }}@{{_a-1.host}}', decode: 'None' }],
  },
  'what to restart': withData({
    restart: [
      { kind: 'Deployment', name: 'shop' },
      { kind: 'StatefulSet', name: 'shop' },
      { kind: 'DaemonSet', name: 'a.b-c' },
    ],
  }),
  'as many to restart as there may be': withData({
    restart: Array.from({ length: 16 }, (_, i) => ({ kind: 'Deployment', name: `w${i}` })),
  }),
  'a text': { data: [{ key: 'text', template: 'as it is' }] },
  'as many values as there may be': withData({
    values: Array.from({ length: 64 }, (_, i) => ({ name: `v${i}`, ref: 's' })),
  }),
  'the longest template': { data: [{ key: 'a', template: '😀'.repeat(16_384) }] },
  'all the rest': {
    maxStaleness: '15m',
    suspend: true,
    target: { name: 'web', type: 'kubernetes.io/tls', creationPolicy: 'Orphan', immutable: true },
    data: [
      { key: 'tls.crt', ref: 'web.crt', decode: 'Base64' },
      { key: 'tls.key', ref: 'web.key', decode: 'None' },
    ],
    dataFrom: [{ ref: 'extra' }, { ref: '$.s.a' }],
  },
  'only data': withData({}),
  'only objects': { dataFrom: [{ ref: 's' }] },
  'empty lists beside an object': { data: [], dataFrom: [{ ref: 's' }], labels: [], annotations: [] },
  'an empty list of objects': withData({ dataFrom: [] }),
  'as many objects as there may be': {
    dataFrom: Array.from({ length: 64 }, (_, i) => ({ ref: `s${i}` })),
  },
  'keys for a Secret of others': withData({ target: { creationPolicy: 'Merge', immutable: false } }),
  'a type that demands keys, from an object': {
    dataFrom: [{ ref: 'web' }],
    target: { type: 'kubernetes.io/tls' },
  },
  'a Docker configuration': {
    data: [{ key: '.dockerconfigjson', ref: 's' }],
    target: { type: 'kubernetes.io/dockerconfigjson' },
  },
  'an old Docker configuration': {
    data: [{ key: '.dockercfg', ref: 's' }],
    target: { type: 'kubernetes.io/dockercfg' },
  },
  'a user without password': {
    data: [{ key: 'username', ref: 's' }],
    target: { type: 'kubernetes.io/basic-auth' },
  },
  'a password without user': {
    data: [{ key: 'password', ref: 's' }],
    target: { type: 'kubernetes.io/basic-auth' },
  },
  'an SSH key': {
    data: [{ key: 'ssh-privatekey', ref: 's' }],
    target: { type: 'kubernetes.io/ssh-auth' },
  },
  'a type of their own': withData({ target: { type: 'example.com/My_type' } }),
  'the shortest staleness': withData({ maxStaleness: '10s' }),
  'an empty target': withData({ target: {} }),
  'no refresh': withData({ refreshInterval: '0s' }),
  'the shortest interval': withData({ refreshInterval: '10s' }),
  'a composed interval': withData({ refreshInterval: '1h30m0.5s' }),
  'the longest interval': withData({ refreshInterval: '8760h' }),
  'a URL with port and path': withData({
    vsecmSafeURL: 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443/a%20b/',
  }),
  'a URL with an IPv6 address': withData({ vsecmSafeURL: 'https://[fd00::1]:8443' }),
  'keys with dots': {
    data: [
      { key: '.dockerconfigjson', ref: 's.a' },
      { key: 'tls.crt', ref: 's.b' },
      { key: '-_', ref: 's.c' },
    ],
  },
  'qualified metadata keys': withData({
    labels: [{ key: 'app.kubernetes.io/name', ref: 's.labels.a' }],
    annotations: [{ key: 'Example_1', ref: 's.annotations.a' }],
  }),
  'as many keys as there may be': { data: entries(256), labels: entries(64), annotations: entries(64) },
};

/** One spec per rule, each breaking just that; `field` is where the agent's message must point. */
export const WRONG_SPECS: Record<string, { spec: unknown; field: string }> = {
  'no data': { spec: {}, field: 'spec.data' },
  'empty data': { spec: { data: [] }, field: 'spec.data' },
  'data that is no list': { spec: { data: { key: 'a', ref: 's.a' } }, field: 'spec.data' },
  'an entry without key': { spec: { data: [{ ref: 's.a' }] }, field: 'spec.data[0].key' },
  'an entry without ref and template': { spec: { data: [{ key: 'a' }] }, field: 'spec.data[0]' },
  'an entry with ref and template': {
    spec: { data: [{ key: 'a', ref: 's.a', template: 'text' }] },
    field: 'spec.data[0]',
  },
  'an empty template': { spec: { data: [{ key: 'a', template: '' }] }, field: 'spec.data[0].template' },
  'a template that is a number': {
    spec: { data: [{ key: 'a', template: 7 }] },
    field: 'spec.data[0].template',
  },
  'an over-long template': {
    spec: { data: [{ key: 'a', template: '😀'.repeat(16_385) }] },
    field: 'spec.data[0].template',
  },
  'a value without name': { spec: withData({ values: [{ ref: 's' }] }), field: 'spec.values[0].name' },
  'a value with a dot in its name': {
    spec: withData({ values: [{ name: 'a.b', ref: 's' }] }),
    field: 'spec.values[0].name',
  },
  'a value without ref': { spec: withData({ values: [{ name: 'a' }] }), field: 'spec.values[0].ref' },
  'a value with an empty name in its ref': {
    spec: withData({ values: [{ name: 'a', ref: 's..a' }] }),
    field: 'spec.values[0].ref',
  },
  'something to restart that is no list': { spec: withData({ restart: 'shop' }), field: 'spec.restart' },
  'something to restart that is a text': { spec: withData({ restart: ['shop'] }), field: 'spec.restart[0]' },
  'something to restart without name': {
    spec: withData({ restart: [{ kind: 'Deployment' }] }),
    field: 'spec.restart[0].name',
  },
  'something to restart without kind': {
    spec: withData({ restart: [{ name: 'shop' }] }),
    field: 'spec.restart[0].kind',
  },
  'something to restart of another kind': {
    spec: withData({ restart: [{ kind: 'Job', name: 'shop' }] }),
    field: 'spec.restart[0].kind',
  },
  'something to restart whose kind is a number': {
    spec: withData({ restart: [{ kind: 7, name: 'shop' }] }),
    field: 'spec.restart[0].kind',
  },
  'something to restart whose name is a number': {
    spec: withData({ restart: [{ kind: 'Deployment', name: 7 }] }),
    field: 'spec.restart[0].name',
  },
  'something to restart with a capital in its name': {
    spec: withData({ restart: [{ kind: 'Deployment', name: 'Shop' }] }),
    field: 'spec.restart[0].name',
  },
  'something to restart with an over-long name': {
    spec: withData({ restart: [{ kind: 'Deployment', name: 'a'.repeat(254) }] }),
    field: 'spec.restart[0].name',
  },
  'the same to restart twice': {
    spec: withData({
      restart: [
        { kind: 'Deployment', name: 'shop' },
        { kind: 'Deployment', name: 'shop' },
      ],
    }),
    field: 'spec.restart[1]',
  },
  'too many to restart': {
    spec: withData({
      restart: Array.from({ length: 17 }, (_, i) => ({ kind: 'Deployment', name: `w${i}` })),
    }),
    field: 'spec.restart',
  },
  'values that are no list': { spec: withData({ values: 'a' }), field: 'spec.values' },
  'a value that is a text': { spec: withData({ values: ['a'] }), field: 'spec.values[0]' },
  'a value whose name is a number': {
    spec: withData({ values: [{ name: 7, ref: 's' }] }),
    field: 'spec.values[0].name',
  },
  'a value with an over-long name': {
    spec: withData({ values: [{ name: 'a'.repeat(64), ref: 's' }] }),
    field: 'spec.values[0].name',
  },
  'a value whose ref is a number': {
    spec: withData({ values: [{ name: 'a', ref: 7 }] }),
    field: 'spec.values[0].ref',
  },
  'a value with an over-long ref': {
    spec: withData({ values: [{ name: 'a', ref: 'a'.repeat(1025) }] }),
    field: 'spec.values[0].ref',
  },
  'a value with a line break in its ref': {
    spec: withData({ values: [{ name: 'a', ref: 's\n.a' }] }),
    field: 'spec.values[0].ref',
  },
  'a value with a JSONPath that selects too much': {
    spec: withData({ values: [{ name: 'a', ref: '$..a' }] }),
    field: 'spec.values[0].ref',
  },
  'the same value twice': {
    spec: withData({
      values: [
        { name: 'a', ref: 's' },
        { name: 'a', ref: 't' },
      ],
    }),
    field: 'spec.values[1].name',
  },
  'too many values': {
    spec: withData({ values: Array.from({ length: 65 }, (_, i) => ({ name: `v${i}`, ref: 's' })) }),
    field: 'spec.values',
  },
  'nothing but values': { spec: { values: [{ name: 'a', ref: 's' }] }, field: 'spec.data' },
  'an entry that is a text': { spec: { data: ['a'] }, field: 'spec.data[0]' },
  'the same key twice': {
    spec: {
      data: [
        { key: 'a', ref: 's.a' },
        { key: 'b', ref: 's.a' },
        { key: 'a', ref: 's.b' },
      ],
    },
    field: 'spec.data[2].key',
  },
  'too many keys': { spec: { data: entries(257) }, field: 'spec.data' },
  'a key with a slash': { spec: { data: [{ key: 'a/b', ref: 's.a' }] }, field: 'spec.data[0].key' },
  'the key ..': { spec: { data: [{ key: '..a', ref: 's.a' }] }, field: 'spec.data[0].key' },
  'an over-long key': { spec: { data: [{ key: 'a'.repeat(254), ref: 's.a' }] }, field: 'spec.data[0].key' },
  'a ref that is a number': { spec: { data: [{ key: 'a', ref: 7 }] }, field: 'spec.data[0].ref' },
  'an empty ref': { spec: { data: [{ key: 'a', ref: '' }] }, field: 'spec.data[0].ref' },
  'a ref with a line break': { spec: { data: [{ key: 'a', ref: 's.a\n' }] }, field: 'spec.data[0].ref' },
  'a ref with an empty name': { spec: { data: [{ key: 'a', ref: 's..a' }] }, field: 'spec.data[0].ref' },
  'a JSONPath that searches everywhere': {
    spec: { data: [{ key: 'a', ref: '$..password' }] },
    field: 'spec.data[0].ref',
  },
  'too many characters in all keys and refs': { spec: filled(32_769), field: 'spec' },
  'an over-long ref': { spec: { data: [{ key: 'a', ref: 'a'.repeat(1025) }] }, field: 'spec.data[0].ref' },
  'a URL without https': { spec: withData({ vsecmSafeURL: 'http://safe:8443' }), field: 'spec.vsecmSafeURL' },
  'a URL with a user': {
    spec: withData({ vsecmSafeURL: 'https://user:pw@safe' }),
    field: 'spec.vsecmSafeURL',
  },
  'a URL with a query': { spec: withData({ vsecmSafeURL: 'https://safe/?a=b' }), field: 'spec.vsecmSafeURL' },
  'a URL without host': { spec: withData({ vsecmSafeURL: 'https:///path' }), field: 'spec.vsecmSafeURL' },
  'an over-long URL': {
    spec: withData({ vsecmSafeURL: `https://${'a'.repeat(1024)}` }),
    field: 'spec.vsecmSafeURL',
  },
  'another secretType': { spec: withData({ secretType: 'vault' }), field: 'spec.secretType' },
  'an interval without unit': { spec: withData({ refreshInterval: '60' }), field: 'spec.refreshInterval' },
  'an interval in days': { spec: withData({ refreshInterval: '1d' }), field: 'spec.refreshInterval' },
  'an interval that is too short': {
    spec: withData({ refreshInterval: '9.999s' }),
    field: 'spec.refreshInterval',
  },
  'an interval that is too long': {
    spec: withData({ refreshInterval: '8760h1s' }),
    field: 'spec.refreshInterval',
  },
  'an over-long interval': {
    spec: withData({ refreshInterval: `${'1h'.repeat(20)}` }),
    field: 'spec.refreshInterval',
  },
  'a target that is a text': { spec: withData({ target: 'a' }), field: 'spec.target' },
  'a target name in upper case': {
    spec: withData({ target: { name: 'Database' } }),
    field: 'spec.target.name',
  },
  'an empty target name': { spec: withData({ target: { name: '' } }), field: 'spec.target.name' },
  'an over-long target name': {
    spec: withData({ target: { name: 'a'.repeat(254) } }),
    field: 'spec.target.name',
  },
  'a label key with a space': {
    spec: withData({ labels: [{ key: 'a b', ref: 's.labels.a' }] }),
    field: 'spec.labels[0].key',
  },
  'a label key of the agent': {
    spec: withData({ labels: [{ key: 'vsecm.com/managed', ref: 's.labels.a' }] }),
    field: 'spec.labels[0].key',
  },
  'the label that says who manages': {
    spec: withData({ labels: [{ key: 'app.kubernetes.io/managed-by', ref: 's.labels.a' }] }),
    field: 'spec.labels[0].key',
  },
  'an over-long label key': {
    spec: withData({ labels: [{ key: `${'a'.repeat(254)}/${'b'.repeat(63)}`, ref: 's.labels.a' }] }),
    field: 'spec.labels[0].key',
  },
  'the same label twice': {
    spec: withData({
      labels: [
        { key: 'a', ref: 's.labels.a' },
        { key: 'a', ref: 's.labels.b' },
      ],
    }),
    field: 'spec.labels[1].key',
  },
  'too many labels': { spec: withData({ labels: entries(65) }), field: 'spec.labels' },
  'a label from the data': {
    spec: withData({ labels: [{ key: 'a', ref: 's.data.password' }] }),
    field: 'spec.labels[0].ref',
  },
  'a label by JSONPath': {
    spec: withData({ labels: [{ key: 'a', ref: '$.s.labels.a' }] }),
    field: 'spec.labels[0].ref',
  },
  'a label ref with a tab': {
    spec: withData({ labels: [{ key: 'a', ref: 's.labels.a\t' }] }),
    field: 'spec.labels[0].ref',
  },
  'a label ref with an empty name': {
    spec: withData({ labels: [{ key: 'a', ref: 's..labels.a' }] }),
    field: 'spec.labels[0].ref',
  },
  'an annotation key of the agent': {
    spec: withData({ annotations: [{ key: 'vsecm.com/allow-adoption', ref: 's.annotations.a' }] }),
    field: 'spec.annotations[0].key',
  },
  'an annotation key without name': {
    spec: withData({ annotations: [{ key: 'example.com/', ref: 's.annotations.a' }] }),
    field: 'spec.annotations[0].key',
  },
  'an annotation from the data': {
    spec: withData({ annotations: [{ key: 'a', ref: 's.data.password' }] }),
    field: 'spec.annotations[0].ref',
  },
  'no data, and an empty list of objects': { spec: { dataFrom: [] }, field: 'spec.data' },
  'another decode': {
    spec: { data: [{ key: 'a', ref: 's.a', decode: 'base64' }] },
    field: 'spec.data[0].decode',
  },
  'an object without ref': { spec: { dataFrom: [{}] }, field: 'spec.dataFrom[0].ref' },
  'the same object twice': {
    spec: { dataFrom: [{ ref: 's.a' }, { ref: 's.b' }, { ref: 's.a' }] },
    field: 'spec.dataFrom[2].ref',
  },
  'too many objects': {
    spec: { dataFrom: Array.from({ length: 65 }, (_, i) => ({ ref: `s${i}` })) },
    field: 'spec.dataFrom',
  },
  'an over-long ref of an object': {
    spec: { dataFrom: [{ ref: 'a'.repeat(1025) }] },
    field: 'spec.dataFrom[0].ref',
  },
  'an object found by searching everywhere': {
    spec: { dataFrom: [{ ref: '$..a' }] },
    field: 'spec.dataFrom[0].ref',
  },
  'an object ref with a line break': { spec: { dataFrom: [{ ref: 's\n' }] }, field: 'spec.dataFrom[0].ref' },
  'an object ref with an empty name': { spec: { dataFrom: [{ ref: 's.' }] }, field: 'spec.dataFrom[0].ref' },
  'a staleness of nothing': { spec: withData({ maxStaleness: '0s' }), field: 'spec.maxStaleness' },
  'a staleness in days': { spec: withData({ maxStaleness: '7d' }), field: 'spec.maxStaleness' },
  'an over-long staleness': { spec: withData({ maxStaleness: '1h'.repeat(20) }), field: 'spec.maxStaleness' },
  'suspend as a text': { spec: withData({ suspend: 'true' }), field: 'spec.suspend' },
  'immutable as a text': {
    spec: withData({ target: { immutable: 'yes' } }),
    field: 'spec.target.immutable',
  },
  'a type with a space': { spec: withData({ target: { type: 'My type' } }), field: 'spec.target.type' },
  'an empty type': { spec: withData({ target: { type: '' } }), field: 'spec.target.type' },
  'an over-long type': {
    spec: withData({ target: { type: `${'a'.repeat(254)}/${'b'.repeat(63)}` } }),
    field: 'spec.target.type',
  },
  'the type of service accounts': {
    spec: withData({ target: { type: 'kubernetes.io/service-account-token' } }),
    field: 'spec.target.type',
  },
  'the type of bootstrap tokens': {
    spec: withData({ target: { type: 'bootstrap.kubernetes.io/token' } }),
    field: 'spec.target.type',
  },
  'a certificate without key': {
    spec: { data: [{ key: 'tls.crt', ref: 's.a' }], target: { type: 'kubernetes.io/tls' } },
    field: 'spec.data',
  },
  'a Docker configuration under another key': {
    spec: withData({ target: { type: 'kubernetes.io/dockerconfigjson' } }),
    field: 'spec.data',
  },
  'an old Docker configuration under another key': {
    spec: withData({ target: { type: 'kubernetes.io/dockercfg' } }),
    field: 'spec.data',
  },
  'neither user nor password': {
    spec: withData({ target: { type: 'kubernetes.io/basic-auth' } }),
    field: 'spec.data',
  },
  'no SSH key': { spec: withData({ target: { type: 'kubernetes.io/ssh-auth' } }), field: 'spec.data' },
  'another policy': {
    spec: withData({ target: { creationPolicy: 'None' } }),
    field: 'spec.target.creationPolicy',
  },
  'Merge with a type': {
    spec: withData({ target: { creationPolicy: 'Merge', type: 'Opaque' } }),
    field: 'spec.target.type',
  },
  'Merge into what must not change': {
    spec: withData({ target: { creationPolicy: 'Merge', immutable: true } }),
    field: 'spec.target.immutable',
  },
  'fields that are no texts': {
    spec: withData({
      vsecmSafeURL: 1,
      secretType: 1,
      refreshInterval: 1,
      maxStaleness: 1,
      target: { name: 1, type: 1, creationPolicy: 1 },
    }),
    field: 'spec.secretType',
  },
  'fields of entries that are no texts': {
    spec: {
      data: [{ key: 1, ref: 's.a', decode: 1 }],
      dataFrom: [{ ref: 1 }],
      labels: [{ key: 1, ref: 1 }],
      annotations: [{ key: 1, ref: 1 }],
    },
    field: 'spec.data[0].key',
  },
  'lists that are none': {
    spec: withData({ dataFrom: { ref: 's' }, labels: { app: 's' }, annotations: { app: 's' } }),
    field: 'spec.dataFrom',
  },
  'entries that are texts': {
    spec: withData({ dataFrom: ['s'], labels: ['app'], annotations: ['app'] }),
    field: 'spec.dataFrom[0]',
  },
  'a label and an annotation without key': {
    spec: withData({ labels: [{ ref: 's.labels.a' }], annotations: [{ ref: 's.annotations.a' }] }),
    field: 'spec.labels[0].key',
  },
  'a label and an annotation without ref': {
    spec: withData({ labels: [{ key: 'a' }], annotations: [{ key: 'a' }] }),
    field: 'spec.labels[0].ref',
  },
  'over-long refs of a label and an annotation': {
    spec: withData({
      labels: [{ key: 'a', ref: `s.labels.${'a'.repeat(1024)}` }],
      annotations: [{ key: 'a', ref: `s.annotations.${'a'.repeat(1024)}` }],
    }),
    field: 'spec.labels[0].ref',
  },
  'an over-long annotation key': {
    spec: withData({
      annotations: [{ key: `${'a'.repeat(254)}/${'b'.repeat(63)}`, ref: 's.annotations.a' }],
    }),
    field: 'spec.annotations[0].key',
  },
  'the same annotation twice': {
    spec: withData({
      annotations: [
        { key: 'a', ref: 's.annotations.a' },
        { key: 'a', ref: 's.annotations.b' },
      ],
    }),
    field: 'spec.annotations[1].key',
  },
  'too many annotations': {
    spec: withData({
      annotations: Array.from({ length: 65 }, (_, i) => ({ key: `k${i}`, ref: 's.annotations.a' })),
    }),
    field: 'spec.annotations',
  },
  'a spec that is a text': { spec: 'data', field: 'spec' },
};
