import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, failsWith, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { eventOf } from '../stage/every-duty.ts';
import { valuesOf, vss } from '../stage/scene.ts';
import { FAST, Stage } from '../stage/stage.ts';

const MODES = ['enforce', 'warn', 'off'] as const;
type Mode = (typeof MODES)[number];
const WARNING = 'Secret of Safe used without a grant';

let stage: Stage;
/** One for each mode, and each serves the namespace of that name. */
const agents = new Map<Mode, RunningAgent>();

before(async () => {
  stage = await Stage.start();
  for (const mode of MODES) {
    await stage.namespace(mode);
    const env = await stage.join(`node-${mode}`, {
      VSECM_AGENT_NAMESPACES: mode,
      VSECM_AGENT_NAMESPACE_GRANTS: mode,
    });
    agents.set(mode, startInProcess(env, { pace: FAST, floorMs: 50 }));
  }
});
after(async () => {
  for (const agent of agents.values()) await agent.stop();
  await stage.close();
});

const register = (name: string, namespaces: string[], value: object = { password: 's3cr3t' }) =>
  stage.safe.register({ name: `raw:${name}`, value: JSON.stringify(value), namespaces });
const declare = (namespace: string, name: string, refs: string[]) =>
  stage.cluster.apply(
    vss(name, { data: refs.map((ref, index) => ({ key: `key-${index}`, ref })) }),
    namespace,
  );
const shown = (namespace: string, name: string, fits: (object: any) => boolean = isReady): Promise<any> =>
  awaitObject(stage.cluster.admin, vssPath(namespace, name), fits);
const secret = (namespace: string, name: string): Promise<any> =>
  stage.cluster.admin.ok('GET', secretPath(namespace, name));

async function refresh(namespace: string, name: string): Promise<any> {
  const token = `${performance.now()}`;
  await stage.cluster.admin.ok(
    'PATCH',
    vssPath(namespace, name),
    { metadata: { annotations: { 'vsecm.com/refresh': token } } },
    { 'content-type': 'application/merge-patch+json' },
  );
  return shown(namespace, name, (object) => object.status?.handledRefresh === token);
}

const warnings = (mode: Mode): unknown[] =>
  agents
    .get(mode)!
    .log.lines.filter(({ msg }) => msg === WARNING)
    .map(({ level, namespace, name, secretName }) => ({ level, namespace, name, secretName }));

/** All that a tenant sees of one resource; names, times and versions masked. */
async function seen(namespace: string, name: string): Promise<string> {
  const { status } = await shown(namespace, name);
  const event = await eventOf(stage, namespace, name);
  const { data, metadata, type } = await secret(namespace, name);
  const { labels, annotations, ownerReferences } = metadata;
  return JSON.stringify({
    status: { ...status, secret: status.secret.name },
    event: { reason: event.reason, note: event.note, type: event.type },
    secret: { data, type, labels, annotations, owners: ownerReferences.length },
  })
    .replaceAll(name, 'NAME')
    .replaceAll(/\d{4}-\d\d-\d\dT[^"]+Z/g, 'TIME');
}

test('a bare value without name and grants serves only where grants do not bind', async () => {
  // Safe answers so while it knows one raw: secret.
  await register('only', ['somebody-else']);
  for (const mode of MODES) await declare(mode, 'unnamed', ['password']);
  await shown('enforce', 'unnamed', failsWith('UnnamedSecret'));
  for (const mode of ['warn', 'off'] as const) {
    await shown(mode, 'unnamed');
    assert.deepEqual(valuesOf(await secret(mode, 'unnamed')), { 'key-0': 's3cr3t' });
    await stage.cluster.admin.ok('DELETE', vssPath(mode, 'unnamed'));
  }
});

test('under warn a secret serves any namespace; the log names it once, and the tenant sees no difference', async () => {
  await register('theirs', ['somebody-else']);
  await register('granted', ['warn']);
  await declare('warn', 'with-grant', ['granted.password']);
  await declare('warn', 'without-grant', ['theirs.password']);
  assert.equal(await seen('warn', 'without-grant'), await seen('warn', 'with-grant'));

  const line = { level: 'warn', namespace: 'warn', name: 'without-grant', secretName: 'theirs' };
  assert.deepEqual(warnings('warn'), [line]);
  await register('theirs', ['somebody-else'], { password: 'rotated' });
  await refresh('warn', 'without-grant');
  assert.deepEqual(valuesOf(await secret('warn', 'without-grant')), { 'key-0': 'rotated' });
  assert.deepEqual(warnings('warn'), [line], 'once for a resource and a secret, not for each refresh');

  await declare('warn', 'both', ['theirs.password', 'only.password', 'granted.password']);
  await shown('warn', 'both');
  assert.deepEqual(
    warnings('warn')
      .slice(1)
      .map((one: any) => one.secretName)
      .toSorted(),
    ['only', 'theirs'],
  );
});

test('under off a secret serves any namespace, and nothing is said', async () => {
  await declare('off', 'without-grant', ['theirs.password']);
  await shown('off', 'without-grant');
  assert.deepEqual(valuesOf(await secret('off', 'without-grant')), { 'key-0': 'rotated' });
  assert.deepEqual(warnings('off'), []);
});

test("VSecM's own keys are out of reach under each mode", async () => {
  await register('vsecm-internal', ['*']);
  for (const mode of MODES) {
    await declare(mode, 'internal', ['vsecm-internal.password']);
    const { status } = await shown(mode, 'internal', (object) => object?.status?.failure !== undefined);
    assert.equal(status.failure.code, 'NotGranted');
  }
});

test('a grant that is taken away leaves the Secret as it was, and says NotGranted until it is given again', async () => {
  const { admin } = stage.cluster;
  await register('lent', ['enforce']);
  await declare('enforce', 'borrower', ['lent.password']);
  await shown('enforce', 'borrower');
  const before = await secret('enforce', 'borrower');

  await register('lent', ['somebody-else'], { password: 'rotated' });
  const { status } = await refresh('enforce', 'borrower');
  assert.equal(status.failure.stage, 'resolve');
  assert.equal(status.failure.code, 'NotGranted');
  assert.deepEqual(
    status.conditions.map(({ type, status: holds, reason }: any) => [type, holds, reason]),
    [
      ['Ready', 'False', 'NotGranted'],
      ['Stalled', 'True', 'NotGranted'],
    ],
  );
  const event = await eventOf(stage, 'enforce', 'borrower', 'NotGranted');
  assert.equal(event.type, 'Warning');
  assert.deepEqual(await secret('enforce', 'borrower'), before);

  // Also the value in memory is not theirs any more.
  await admin.ok('DELETE', secretPath('enforce', 'borrower'));
  await refresh('enforce', 'borrower');
  assert.equal((await stage.cluster.request('GET', secretPath('enforce', 'borrower'))).status, 404);

  await register('lent', ['enforce'], { password: 'rotated' });
  await refresh('enforce', 'borrower');
  await shown('enforce', 'borrower');
  assert.deepEqual(valuesOf(await secret('enforce', 'borrower')), { 'key-0': 'rotated' });
});

test('no value is in any log', () => {
  for (const { log } of agents.values()) assert.doesNotMatch(log.text, /s3cr3t|rotated/);
});
