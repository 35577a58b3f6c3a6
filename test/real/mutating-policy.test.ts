import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { valuesOf, vss } from '../stage/scene.ts';
import { PolicyStage } from './policy-stage.ts';
import { eventually } from './shipped.ts';

let stage: PolicyStage;
before(async () => {
  stage = await PolicyStage.start();
});
after(() => stage.close());

const NS = 'mutated';
const METADATA = { name: NS };
const API_VERSION = 'admissionregistration.k8s.io/v1';
/** Adds a label, and takes an empty value away. */
const POLICY = {
  apiVersion: API_VERSION,
  kind: 'MutatingAdmissionPolicy',
  metadata: METADATA,
  spec: {
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    matchConstraints: {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NS } },
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['CREATE', 'UPDATE'] },
      ],
    },
    mutations: [
      {
        patchType: 'JSONPatch',
        jsonPatch: {
          expression: `(has(object.data) && "empty" in object.data ? [JSONPatch{op: "remove", path: "/data/empty"}] : []) +
            (has(object.metadata.labels) ? [JSONPatch{op: "add", path: "/metadata/labels/maintainer", value: "john"}] : [])`,
        },
      },
    ],
  },
};
const BINDING = {
  apiVersion: API_VERSION,
  kind: 'MutatingAdmissionPolicyBinding',
  metadata: METADATA,
  spec: { policyName: NS },
};
const becomes = (wanted: Record<string, string>): Promise<any> =>
  awaitObject(stage.api, secretPath(NS, 'db'), (one) => isDeepStrictEqual(valuesOf(one), wanted));

test('a policy that changes Secrets on their way costs no writes without end, and repairs and rotations go on', async () => {
  await stage.stage.namespace(NS);
  const register = (password: string) =>
    stage.stage.safe.register({
      name: `raw:${NS}`,
      value: JSON.stringify({ password, empty: '' }),
      namespaces: [NS],
    });
  await register('first');
  await stage.api.ok('POST', `/apis/${API_VERSION}/mutatingadmissionpolicies`, POLICY);
  await stage.api.ok('POST', `/apis/${API_VERSION}/mutatingadmissionpolicybindings`, BINDING);
  await eventually(
    async () =>
      (
        await stage.api.ok('POST', `/api/v1/namespaces/${NS}/secrets?dryRun=All`, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'probe', labels: { a: 'b' } },
        })
      ).metadata.labels['maintainer'],
    (label) => label === 'john',
  );
  const data = [
    { key: 'password', ref: `${NS}.password` },
    { key: 'empty', ref: `${NS}.empty` },
  ];
  await stage.stage.cluster.apply(vss('db', { data }), NS);
  await awaitObject(stage.api, vssPath(NS, 'db'), isReady);
  const cell = { ns: NS, policy: 'Owner' } as const;
  const writes = (): number =>
    stage.stage.cluster.controls.count({ verb: 'patch', resource: 'secrets', namespace: NS });
  await stage.refresh(cell);
  await stage.refresh(cell);
  assert.equal(writes(), 1);
  await stage.patch(secretPath(NS, 'db'), { stringData: { password: 'theirs' } });
  await becomes({ password: 'first' });
  await register('second');
  await stage.refresh(cell);
  await becomes({ password: 'second' });
  assert.equal(writes(), 3);
});
