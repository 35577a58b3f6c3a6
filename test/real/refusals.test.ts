import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awaitObject, failsWith, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { vss } from '../stage/scene.ts';
import { AdmissionWebhook } from './admission-webhook.ts';
import { CONSENT, PolicyStage, specOf, type Policy } from './policy-stage.ts';
import { eventually } from './shipped.ts';

let stage: PolicyStage;
before(async () => {
  stage = await PolicyStage.start();
});
after(() => stage.close());

const REGISTRATION = '/apis/admissionregistration.k8s.io/v1';
const WEBHOOKS = `${REGISTRATION}/validatingwebhookconfigurations`;

async function namespace(name: string, password = 'first'): Promise<string> {
  await stage.stage.namespace(name);
  await stage.register(name, password);
  return name;
}
const declare = (ns: string, name: string, policy: Policy = 'Owner'): Promise<unknown> =>
  stage.stage.cluster.apply(
    vss(name, specOf({ ns, policy }, { name: policy === 'Merge' ? 'target' : name })),
    ns,
  );
const becomes = (ns: string, name: string, fits: (one: any) => boolean): Promise<any> =>
  awaitObject(stage.api, vssPath(ns, name), fits, 100_000);
const failure = async (
  ns: string,
  name: string,
  code: string,
): Promise<{ message: string; hint: string }> => {
  const { status } = await becomes(ns, name, failsWith(code));
  return status.failure;
};
/** Waits until somebody's Secret in the namespace is refused: what is configured takes a while to be in force. */
const inForce = async (ns: string, query = 'dryRun=All'): Promise<void> => {
  const probe = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe' } };
  const { status } = await eventually(
    () => stage.stage.cluster.request('POST', `/api/v1/namespaces/${ns}/secrets?${query}`, probe),
    (answer) => answer.status >= 400,
  );
  assert.ok(status >= 400, `${status}`);
};

test('a quota that is used up is told as one, and its end is noticed', async () => {
  const ns = await namespace('quota');
  const quota = `/api/v1/namespaces/${ns}/resourcequotas`;
  /** Sets how many Secrets there may be, and says what the quota controller would. */
  const allow = async (secrets: string): Promise<void> => {
    const hard = { 'count/secrets': secrets };
    await stage.patch(`${quota}/few`, { spec: { hard } });
    await stage.patch(`${quota}/few/status`, { status: { hard, used: { 'count/secrets': '0' } } });
  };
  await stage.api.ok('POST', quota, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' } });
  await allow('0');
  await inForce(ns);
  await declare(ns, 'db');
  const { message, hint } = await failure(ns, 'db', 'WriteForbidden');
  assert.match(message, /a quota of the namespace is used up$/);
  assert.match(hint, /kubectl describe resourcequota -n quota/);
  await allow('9');
  await becomes(ns, 'db', isReady);
});

for (const reason of ['Invalid', 'Forbidden'] as const)
  test(`a ValidatingAdmissionPolicy that refuses as ${reason} is told as a policy, and its end is noticed`, async () => {
    const ns = await namespace(`policy-${reason.toLowerCase()}`);
    const [metadata, apiVersion] = [{ name: ns }, 'admissionregistration.k8s.io/v1'];
    await stage.stage.cluster.apply([
      {
        apiVersion,
        kind: 'ValidatingAdmissionPolicy',
        metadata,
        spec: {
          matchConstraints: {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns } },
            resourceRules: [
              { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['CREATE'] },
            ],
          },
          validations: [{ expression: 'false', reason, message: 'every Secret needs the label team' }],
        },
      },
      {
        apiVersion,
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata,
        spec: { policyName: ns, validationActions: ['Deny'] },
      },
    ]);
    await inForce(ns);
    await declare(ns, 'db');
    const code = reason === 'Invalid' ? 'WriteRejected' : 'WriteForbidden';
    const { message, hint } = await failure(ns, 'db', code);
    assert.match(message, /: an admission policy refuses it$/);
    assert.match(hint, /kubectl get validatingadmissionpolicybindings/);
    await stage.api.ok('DELETE', `${REGISTRATION}/validatingadmissionpolicybindings/${ns}`);
    await becomes(ns, 'db', isReady);
  });

for (const [answer, code] of [
  [400, 'WriteRejected'],
  [403, 'WriteForbidden'],
  [422, 'WriteRejected'],
  [500, 'WriteRejected'],
] as const)
  test(`a webhook that refuses with ${answer} is told as one, and its end is noticed`, async () => {
    const ns = await namespace(`webhook-${answer}`);
    const webhook = await AdmissionWebhook.start();
    webhook.answer = answer;
    try {
      await stage.api.ok('POST', WEBHOOKS, webhook.configuration(ns));
      await inForce(ns);
      await declare(ns, 'db');
      const { message, hint } = await failure(ns, 'db', code);
      assert.match(message, /: an admission webhook refuses it, or fails$/);
      assert.match(hint, /kubectl get validatingwebhookconfigurations/);
      await stage.api.ok('DELETE', `${WEBHOOKS}/${ns}`);
      await becomes(ns, 'db', isReady);
    } finally {
      webhook.close();
    }
  });

test('a webhook that hangs is told as one, and keeps no other namespace waiting', async () => {
  const ns = await namespace('hangs');
  const other = await namespace('fine');
  const webhook = await AdmissionWebhook.start();
  try {
    await stage.api.ok('POST', WEBHOOKS, webhook.configuration(ns));
    await inForce(ns, 'dryRun=All&timeout=1s');
    const names = Array.from({ length: 24 }, (_, index) => `s${index}`);
    await Promise.all(names.map((name) => declare(ns, name)));
    const writes = () =>
      stage.stage.cluster.controls.requests.filter(
        ({ verb, resource, namespace: of }) => verb === 'patch' && resource === 'secrets' && of === ns,
      );
    await eventually(
      async () => writes().length,
      (count) => count > 0,
    );
    await declare(other, 'db');
    await becomes(other, 'db', isReady);
    assert.ok(
      writes().every(({ status }) => status === 0),
      'all hang yet',
    );
    assert.ok(writes().length <= 8, 'half of the places are left to others');
    const { message, hint } = await failure(ns, 's0', 'WriteRejected');
    assert.match(message, /: an admission webhook refuses it, or fails$/);
    assert.match(hint, /kubectl get validatingwebhookconfigurations/);
  } finally {
    webhook.close();
    await stage.api.ok('DELETE', `${WEBHOOKS}/${ns}`);
  }
});

test('Merge that exceeds 1 MiB together with what others keep says so, and its hint deletes nothing', async () => {
  const ns = await namespace('large', 'x'.repeat(600_000));
  await stage.secret(ns, { theirs: 'y'.repeat(600_000) }, {}, CONSENT);
  await declare(ns, 'db', 'Merge');
  const { message, hint } = await failure(ns, 'db', 'SecretTooLarge');
  assert.match(message, /1 MiB together with what others keep in it/);
  assert.doesNotMatch(hint, /delete/);
});

test('of an immutable Secret that somebody else made no hint says to delete it', async () => {
  const ns = await namespace('immutable');
  await stage.secret(ns, { theirs: 'kept' }, { immutable: true }, CONSENT);
  for (const policy of ['Merge', 'Owner', 'Orphan'] as const) {
    await declare(ns, 'target', policy);
    const { message, hint } = await failure(ns, 'target', 'TargetImmutable');
    assert.match(message, /is immutable/);
    assert.doesNotMatch(hint, /delete/);
    await stage.api.ok('DELETE', vssPath(ns, 'target'));
  }
  assert.equal((await stage.api.ok('GET', secretPath(ns, 'target'))).immutable, true);
});

test('no refusal brings a value into the log', () => {
  assert.doesNotMatch(stage.agent.log.text, /first|s3cret|xxxx|yyyy/);
});
