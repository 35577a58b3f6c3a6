import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as faults from '../devcluster/safe/faults.ts';
import { componentId } from '../devcluster/safe/identities.ts';
import { DevSafe } from '../devcluster/safe.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import type { DevSpire } from '../devcluster/spire.ts';
import { failsWith, isReady, vssPath } from '../stage/await-object.ts';
import { credentials, Scene, valuesOf, vss } from '../stage/scene.ts';
import { scoutId } from '../stage/stage.ts';

const MAX_BYTES = 65_536;

let scene: Scene;
let stranger: DevSafe;
let spire: DevSpire;

before(async () => {
  // A Safe that other people's SPIRE vouches for.
  stranger = await DevSafe.start({ authority: await DevAuthority.create() });
  scene = await Scene.start(() => ({
    VSECM_AGENT_SAFES: JSON.stringify([
      { url: 'https://untrusted.example', dial: stranger.dial },
      { url: 'https://nobody.example', dial: 'https://127.0.0.1:1' },
    ]),
    VSECM_AGENT_SAFE_TIMEOUT: '500ms',
    VSECM_AGENT_RESPONSE_BYTES: String(MAX_BYTES),
  }));
  spire = await scene.stage.spire('node-1');
});
after(async () => {
  await scene.close();
  await stranger.close();
  stranger.authority.close();
});

/** What goes wrong, how it is mended, and the code that tells of it. */
interface Trouble {
  name: string;
  code: string;
  cause: () => unknown;
  mend: () => unknown;
}

const safeFault = (name: string, code: string, fault: faults.Fault): Trouble => ({
  name,
  code,
  cause: () => (scene.stage.safe.fault = fault),
  mend: () => (scene.stage.safe.fault = undefined),
});

const pod = 'vsecm-agent-node-1';
const OTHER_ID = 'spiffe://vsecm.com/workload/vsecm-agent/ns/vsecm-agent/sa/vsecm-agent/n/vsecm-agent-node-1';

const TROUBLES: Trouble[] = [
  safeFault('400: no root key', 'SafeNotReady', faults.status(400)),
  safeFault('404: no raw: secret', 'SafeHasNoSecrets', faults.status(404)),
  safeFault('500', 'SafeError', faults.status(500)),
  safeFault('503: the store is away', 'SafeNotReady', faults.status(503, {}, 'NOK!')),
  safeFault('a redirect', 'SafeError', faults.status(307, { location: 'https://127.0.0.1:1/' })),
  safeFault('a body that is cut off', 'ResponseMalformed', faults.cutOff(true)),
  safeFault('an empty body', 'ResponseMalformed', faults.empty()),
  safeFault('a body that is no JSON', 'ResponseMalformed', faults.body('<html>s3cr3t</html>')),
  safeFault(
    'an empty data, as one unprintable date gives',
    'ResponseMalformed',
    faults.body('{"data":"","created":"","updated":""}'),
  ),
  safeFault('a body that is too large', 'ResponseTooLarge', faults.large(MAX_BYTES * 2)),
  safeFault('a body that is too slow', 'SafeTimeout', faults.stall()),
  safeFault('no answer', 'SafeTimeout', faults.hang()),
  {
    name: 'nobody listens',
    code: 'SafeUnreachable',
    cause: () => scene.stage.safe.stop(),
    mend: () => scene.stage.safe.start(),
  },
  {
    name: 'the identity is withdrawn',
    code: 'NoIdentity',
    cause: () => spire.remove(scoutId(pod)),
    mend: () => spire.register(scoutId(pod)),
  },
  {
    name: 'the SVID is not scout’s',
    code: 'IdentityNotScout',
    cause: () => spire.replace(scoutId(pod), OTHER_ID),
    mend: () => spire.replace(OTHER_ID, scoutId(pod)),
  },
];

for (const [index, { name, code, cause, mend }] of TROUBLES.entries()) {
  test(`${name}: ${code}, the Secret stays as it was, and all is well by itself afterwards`, async () => {
    const ns = await scene.stage.namespace(`trouble-${index}`);
    const ref = (key: string) => ({ key, ref: `${ns}.cocaCola.data.${key}` });
    await scene.register(ns, credentials(), [ns]);
    await scene.apply(vss('there', { data: [ref('password')] }), ns);
    await scene.vss(ns, 'there');
    const before = await scene.secret(ns, 'there');

    await scene.stage.safe.register({ name: `raw:${ns}-later`, value: 'root', namespaces: [ns] });
    await cause();
    try {
      const token = `trouble-${index}`;
      await scene.patch(vssPath(ns, 'there'), { metadata: { annotations: { 'vsecm.com/refresh': token } } });
      // What is in memory would be served from there.
      const later = { key: 'username', ref: `${ns}-later` };
      await scene.apply(
        vss('waiting', { data: [later] }, { annotations: { 'vsecm.com/refresh': token } }),
        ns,
      );
      const there = await scene.vss(
        ns,
        'there',
        (object) => failsWith(code)(object) && object.status.handledRefresh === token,
      );
      const waiting = await scene.vss(ns, 'waiting', failsWith(code));

      // The Secret is still right as far as anybody knows.
      assert.deepEqual(
        there.status.conditions.map((one: any) => [one.type, one.status]),
        [['Ready', 'True']],
      );
      assert.deepEqual(
        waiting.status.conditions.map((one: any) => [one.type, one.status, one.reason]),
        [['Ready', 'False', code]],
      );
      assert.ok(waiting.status.failure.hint.length > 20);
      assert.equal(
        (await scene.secret(ns, 'there')).metadata.resourceVersion,
        before.metadata.resourceVersion,
      );
      await scene.secret(ns, 'waiting', (secret) => secret === undefined);
    } finally {
      await mend();
    }
    await scene.vss(ns, 'waiting');
    const healed = await scene.vss(
      ns,
      'there',
      (object) => isReady(object) && object.status.failure === undefined,
    );
    assert.equal(healed.status.secret.resourceVersion, before.metadata.resourceVersion);
    assert.deepEqual(valuesOf(await scene.secret(ns, 'waiting')), { username: 'root' });
  });
}

test('a Safe of another CA is not trusted, one that is not Safe by its ID is told apart', async () => {
  const ns = await scene.stage.namespace('strangers');
  await scene.apply(
    vss('untrusted', { vsecmSafeURL: 'https://untrusted.example', data: [{ key: 'a', ref: 'a' }] }),
    ns,
  );
  await scene.apply(
    vss('nobody', { vsecmSafeURL: 'https://nobody.example', data: [{ key: 'a', ref: 'a' }] }),
    ns,
  );
  await scene.apply(
    vss('not-allowed', { vsecmSafeURL: 'https://elsewhere.example', data: [{ key: 'a', ref: 'a' }] }),
    ns,
  );
  await scene.vss(ns, 'untrusted', failsWith('SafeNotTrusted'));
  await scene.vss(ns, 'nobody', failsWith('SafeUnreachable'));
  await scene.vss(ns, 'not-allowed', failsWith('SafeNotAllowed'));

  await using impostor = await startImpostor(scene.stage.authority);
  await using second = await Scene.start(() => ({
    VSECM_SAFE_ENDPOINT_URL: impostor.safe.url,
    SPIFFE_ENDPOINT_SOCKET: spire.socket,
  }));
  await second.stage.namespace('impostor');
  await second.apply(vss('db', { data: [{ key: 'a', ref: 'a' }] }), 'impostor');
  await second.vss('impostor', 'db', failsWith('SafeWrongIdentity'));
  const line = await second.agent.log.when(({ code }) => code === 'SafeWrongIdentity');
  assert.equal(line['peerSPIFFEID'], componentId('vsecm.com', 'vsecm-sentinel'));
  assert.equal(line['spiffeID'], scoutId(pod));
  // No request left: the client found out in the handshake.
  assert.equal(impostor.safe.requests.length, 0);
});

test('a failing Safe is one line of the log, whatever the number of resources, with cause, hint and next retry', async () => {
  const ns = await scene.stage.namespace('quiet-log');
  await scene.register(ns, credentials(), [ns]);
  const names = Array.from({ length: 20 }, (_, index) => `r${index}`);
  await scene.apply(
    names.map((name) => vss(name, { data: [{ key: 'p', ref: `${ns}.cocaCola.data.password` }] })),
    ns,
  );
  for (const name of names) await scene.vss(ns, name);
  const from = scene.agent.log.lines.length;
  await scene.stage.safe.stop();
  await scene.patch(vssPath(ns, 'r0'), { metadata: { annotations: { 'vsecm.com/refresh': 'now' } } });
  await scene.vss(ns, 'r7', failsWith('SafeUnreachable'));
  await scene.stage.safe.start();
  await scene.vss(ns, 'r7', (object) => object.status.failure === undefined);

  const lines = scene.agent.log.lines.slice(from).filter(({ msg }) => /Safe/.test(msg));
  assert.deepEqual(
    lines.map(({ msg, code }) => [msg, code]),
    [
      ['Fetching from Safe fails', 'SafeUnreachable'],
      ['Safe answers again', 'SafeUnreachable'],
    ],
  );
  const [failing] = lines;
  assert.equal(failing?.['stage'], 'connect');
  assert.equal(failing?.['cause'], 'ECONNREFUSED');
  assert.equal(failing?.['safeURL'], scene.stage.safe.url);
  assert.equal(failing?.['spiffeID'], scoutId(pod));
  assert.ok((failing?.['resources'] as number) >= 20);
  assert.match(failing?.['nextRetry'] as string, /^\d{4}-.*Z$/);
  assert.match(failing?.['hint'] as string, /kubectl get pods/);
});

test('no secret value is in the log', () => {
  assert.doesNotMatch(scene.agent.log.text, /s3cr3t/);
});

async function startImpostor(authority: DevAuthority) {
  const safe = await DevSafe.start({ authority, svid: { id: componentId('vsecm.com', 'vsecm-sentinel') } });
  return { safe, [Symbol.asyncDispose]: () => safe.close() };
}
