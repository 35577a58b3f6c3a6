import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../../agent/api/reasons.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import { GOOD_SPECS, resource, WRONG_SPECS } from './spec-cases.ts';

const failureOf = (run: () => unknown): Failure => {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
};

test('a full spec is taken with all its fields', () => {
  const spec = parseSpec(resource(GOOD_SPECS['all fields']!));
  assert.equal(spec.safeURL, 'https://path/to/vsecm/safe/api/endpoint');
  assert.equal(spec.refreshIntervalMs, 3_600_000);
  assert.deepEqual(spec.target, {
    name: 'database-credentials',
    creationPolicy: 'Owner',
    immutable: false,
    type: 'Opaque',
  });
  assert.deepEqual(
    spec.data.map(({ key, ref }) => [key, ref?.text]),
    [
      ['username', 'databaseCredentials.cocaCola.data.username'],
      ['password', 'databaseCredentials.cocaCola.data.password'],
    ],
  );
  assert.deepEqual(spec.labels, [
    { key: 'app', ref: { kind: 'dotted', text: 'databaseCredentials.cocaCola.labels.app' } },
  ]);
  assert.equal(spec.annotations.length, 1);
});

test('so is one with all the rest', () => {
  const spec = parseSpec(resource(GOOD_SPECS['all the rest']!));
  assert.deepEqual(spec, {
    secretType: 'k8s',
    refreshIntervalMs: 3_600_000,
    maxStalenessMs: 900_000,
    suspend: true,
    target: { name: 'web', type: 'kubernetes.io/tls', creationPolicy: 'Orphan', immutable: true },
    values: [],
    data: [
      { key: 'tls.crt', ref: { kind: 'dotted', text: 'web.crt' }, decode: 'Base64' },
      { key: 'tls.key', ref: { kind: 'dotted', text: 'web.key' }, decode: 'None' },
    ],
    dataFrom: [
      { ref: { kind: 'dotted', text: 'extra' } },
      { ref: { kind: 'jsonpath', text: '$.s.a', secret: 's', whole: false } },
    ],
    labels: [],
    annotations: [],
    restart: [],
  });
});

test('what is left out takes its default', () => {
  const spec = parseSpec(resource({ data: [{ key: 'a', ref: 's.a' }] }));
  assert.deepEqual(spec, {
    secretType: 'k8s',
    refreshIntervalMs: 3_600_000,
    suspend: false,
    target: { name: 'sample', type: 'Opaque', creationPolicy: 'Owner', immutable: false },
    values: [],
    data: [{ key: 'a', ref: { kind: 'dotted', text: 's.a' }, decode: 'None' }],
    dataFrom: [],
    labels: [],
    annotations: [],
    restart: [],
  });
});

test('under Merge the Secret keeps its type', () => {
  const { target } = parseSpec(resource(GOOD_SPECS['keys for a Secret of others']!));
  assert.deepEqual(target, { name: 'sample', creationPolicy: 'Merge', immutable: false });
});

test('good specs are taken', () => {
  for (const [name, spec] of Object.entries(GOOD_SPECS))
    assert.doesNotThrow(() => parseSpec(resource(spec)), name);
});

for (const [name, { spec, field }] of Object.entries(WRONG_SPECS)) {
  test(`refused, and the field is named: ${name}`, () => {
    const failure = failureOf(() => parseSpec(resource(spec)));
    assert.equal(failure.code, 'InvalidSpec');
    assert.ok(failure.message.startsWith(`${field} `), failure.message);
  });
}

test('fields that the agent does not know are refused rather than ignored', () => {
  const failure = failureOf(() => parseSpec(resource({ data: [{ key: 'a', ref: 's.a', decrypt: 'yes' }] })));
  assert.match(failure.message, /^spec\.data\[0\] must not have a member "decrypt"/);
});

const TEMPLATES: [template: string, message: RegExp][] = [
  ['a\n{{ user', /^spec\.data\[0\]\.template does not parse: line 2, column 1: this \{\{ has no \}\}$/],
  [
    '{{ password }}',
    /^spec\.data\[0\]\.template uses password, which is not in spec\.values: add \{name: password, ref: /,
  ],
  ['{{ user | append: host }}', /uses host, which is not in spec\.values/],
  ['{{ toString }}', /uses toString, which/],
  [`{{ ${'x'.repeat(16_000)} }}`, /uses x{63}, which/],
];

for (const [template, message] of TEMPLATES) {
  test(`a template that cannot be used is refused, and it is said why: ${JSON.stringify(template.slice(0, 30))}`, () => {
    const spec = { values: [{ name: 'user', ref: 's.user' }], data: [{ key: 'a', template }] };
    const failure = failureOf(() => parseSpec(resource(spec)));
    assert.equal(failure.code, 'InvalidSpec');
    assert.match(failure.message, message);
  });
}

test('inherited members do not count', () => {
  const spec = Object.create({ data: [{ key: 'a', ref: 's.a' }] }) as object;
  assert.equal(failureOf(() => parseSpec(resource(spec))).code, 'InvalidSpec');
  const hostile = JSON.parse(
    '{"data":[{"key":"a","ref":"s.a"}],"__proto__":{"refreshInterval":"1s"}}',
  ) as object;
  assert.match(failureOf(() => parseSpec(resource(hostile))).message, /__proto__/);
});

test('whatever comes, it is a spec or an InvalidSpec', () => {
  const leaf = fc.oneof(
    fc.anything(),
    fc.constantFrom('1h', 's.a', 'k8s', 'key', 'https://a', 'Merge', 'Base64', '{{ key }}', true),
  );
  const entry = fc.record({ key: leaf, ref: leaf, template: leaf, decode: leaf }, { requiredKeys: [] });
  const target = fc.record(
    { name: leaf, type: leaf, creationPolicy: leaf, immutable: leaf },
    { requiredKeys: [] },
  );
  const spec = fc.record(
    {
      vsecmSafeURL: leaf,
      secretType: leaf,
      refreshInterval: leaf,
      maxStaleness: leaf,
      suspend: leaf,
      target: fc.oneof(leaf, target),
      values: fc.array(fc.record({ name: leaf, ref: leaf })),
      data: fc.array(entry),
      dataFrom: fc.array(fc.oneof(leaf, fc.record({ ref: leaf }))),
      labels: fc.array(entry),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), spec.map(resource)), (object) => {
      try {
        parseSpec(object);
      } catch (error) {
        assert.ok(error instanceof Failure && error.code === 'InvalidSpec');
      }
    }),
  );
});
