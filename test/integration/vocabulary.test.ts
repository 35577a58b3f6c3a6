import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, rename, rm, symlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { isOutside, REASONS, stageOf, type Code } from '../../agent/api/reasons.ts';
import { vsecm } from '../cli/command-line.ts';
import { clusterKind } from '../cluster.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { componentId } from '../devcluster/safe/identities.ts';
import { DevSafe } from '../devcluster/safe.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import type { DevSpire } from '../devcluster/spire.ts';
import { failsWith, secretPath, vssPath } from '../stage/await-object.ts';
import { Scene, vss } from '../stage/scene.ts';
import { workload } from '../real/workloads.ts';
import { scoutId } from '../stage/stage.ts';
import { eventually, Witness } from '../stage/witness.ts';

const POD = 'vsecm-agent-node-1';
const MAX_BYTES = 8 * 1024 * 1024;
const OTHER_ID = 'spiffe://vsecm.com/workload/vsecm-agent/ns/vsecm-agent/sa/vsecm-agent/n/vsecm-agent-node-1';

let scene: Scene;
let witness: Witness;
let spire: DevSpire;
const strangers: DevSafe[] = [];
/** Holds the folder of the Workload API as the agent's pod has it mounted. */
let volumes: string;
let orphan: FileHandle | undefined;
/** Mounts a folder, in the place of what was mounted. */
async function mount(folder: string): Promise<void> {
  await symlink(folder, join(volumes, 'next'));
  await rename(join(volumes, 'next'), join(volumes, 'socket'));
}
const folderOf = (socket: string): string => dirname(socket.replace('unix://', ''));

before(async () => {
  const foreign = await DevAuthority.create();
  volumes = await mkdtemp(join(tmpdir(), 'vocabulary-'));
  scene = await Scene.start(async (stage) => {
    const { authority } = stage;
    await mount(folderOf((await stage.spire('node-1')).socket));
    // Whom another SPIRE vouches for; who is not Safe; who trusts another SPIRE than the agent's.
    const untrusted = await DevSafe.start({ authority: foreign });
    const impostor = await DevSafe.start({
      authority,
      svid: { id: componentId('vsecm.com', 'vsecm-sentinel') },
    });
    const refusing = await DevSafe.start({ authority: foreign, signedBy: authority });
    strangers.push(untrusted, impostor, refusing);
    const urls = {
      untrusted: untrusted.dial,
      impostor: impostor.dial,
      refusing: refusing.dial,
      nobody: 'https://127.0.0.1:1',
      unfederated: 'https://127.0.0.1:2',
    };
    return {
      VSECM_AGENT_SAFES: JSON.stringify(
        Object.entries(urls).map(([name, dial]) => ({
          url: `https://${name}.example`,
          dial,
          ...(name === 'unfederated' && { trustDomain: 'unfederated.example' }),
        })),
      ),
      SPIFFE_ENDPOINT_SOCKET: `unix://${volumes}/socket/agent.sock`,
      VSECM_AGENT_ANSWER_PROOF: createHash('sha256').update('placeholder').digest('hex'),
      VSECM_AGENT_SAFE_TIMEOUT: '500ms',
      VSECM_AGENT_RESPONSE_BYTES: String(MAX_BYTES),
    };
  });
  witness = new Witness(scene);
  spire = await scene.stage.spire('node-1');
});
after(async () => {
  await scene.close();
  for (const safe of strangers) await safe.close();
  await orphan?.close();
  await rm(volumes, { recursive: true });
});

/** How a code comes about in a namespace of its own. */
interface Case {
  /** The spec of the resource that fails; default: one key from a secret that is registered and granted. */
  spec?: (ns: string) => object;
  /** Before the resource is made. */
  arrange?: (ns: string) => unknown;
  /** Once the resource is as declared; the resource is refreshed afterwards. */
  cause?: (ns: string) => unknown;
  mend?: (ns: string) => unknown;
  /** Why it cannot come about on the real API server, if it cannot. */
  notOnReal?: string;
}

const data = (ref: string, more: object = {}) => ({ data: [{ key: 'password', ref, ...more }] });
const restarting = (ns: string) => ({ ...fine(ns), restart: [{ kind: 'Deployment', name: 'shop' }] });
const fine = (ns: string) => data(`${ns}.password`);
const holding =
  (value: unknown, more: object = {}) =>
  (ns: string) =>
    scene.register(ns, typeof value === 'string' ? value : JSON.stringify(value), [ns], more);
const elsewhere = (name: string): Case => ({
  spec: (ns) => ({ vsecmSafeURL: `https://${name}.example`, ...fine(ns) }),
});
const safeFault = (fault: faults.Fault): Case => ({
  cause: () => (scene.stage.safe.fault = fault),
  mend: () => (scene.stage.safe.fault = undefined),
});
const gate = (failure: { status: number; reason?: string }): Case => {
  let undo = (): void => {};
  return {
    arrange: (ns) => {
      undo = scene.stage.cluster.controls.fail(
        { verb: 'patch', resource: 'secrets', namespace: ns },
        failure,
      );
    },
    mend: () => undo(),
  };
};
/** Does something, and waits until the agent has found out that it has no identity, and why. */
async function whenLost(code: Code, lose: () => unknown): Promise<void> {
  const from = scene.agent.log.lines.length;
  await lose();
  await scene.agent.log.when((line) => line['code'] === code && line.msg === 'no X.509-SVID', from);
}
const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
const existing = (ns: string) =>
  scene.stage.cluster.admin.ok('POST', `/api/v1/namespaces/${ns}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'resource' },
    stringData: { theirs: 'kept' },
  });

// UnnamedSecret first: as soon as a second secret is registered, Safe names them all.
const CASES: Record<Code, Case> = {
  UnnamedSecret: {
    arrange: (ns) =>
      scene.stage.safe.register({ name: `raw:${ns}`, value: '{"password":"s3cr3t"}', namespaces: [ns] }),
  },
  UnprovenAnswer: {
    cause: () => scene.stage.safe.register({ name: 'raw:vsecm-agent-placeholder', value: 'another' }),
    mend: () => scene.stage.safe.register({ name: 'raw:vsecm-agent-placeholder', value: 'placeholder' }),
  },
  InvalidSpec: {
    spec: (ns) => ({ refreshInterval: 'often', ...fine(ns) }),
    notOnReal: 'the API server refuses what the agent would',
  },
  SafeNotAllowed: elsewhere('elsewhere'),
  SocketUnavailable: {
    cause: () =>
      whenLost('SocketUnavailable', async () => {
        // An SVID in hand is used on when the socket goes, so it has to go first.
        await whenLost('NoIdentity', () => spire.remove(scoutId(POD)));
        await spire.stop();
      }),
    mend: async () => {
      await spire.restart();
      await spire.register(scoutId(POD));
    },
  },
  SocketOrphaned: {
    cause: () =>
      whenLost('SocketOrphaned', async () => {
        await whenLost('NoIdentity', () => spire.remove(scoutId(POD)));
        const removed = join(volumes, 'removed');
        await mkdir(removed);
        orphan = await open(removed);
        await rm(removed, { recursive: true });
        // Followed by what it is and not by its name, as a mount is.
        await mount(`/proc/self/fd/${orphan.fd}`);
      }),
    mend: async () => {
      await mount(folderOf(spire.socket));
      await spire.register(scoutId(POD));
    },
  },
  NoIdentity: {
    cause: () => whenLost('NoIdentity', () => spire.remove(scoutId(POD))),
    mend: () => spire.register(scoutId(POD)),
  },
  IdentityNotScout: {
    cause: () => whenLost('IdentityNotScout', () => spire.replace(scoutId(POD), OTHER_ID)),
    mend: () => spire.replace(OTHER_ID, scoutId(POD)),
  },
  IdentityExpired: {
    cause: () =>
      whenLost('IdentityExpired', () => spire.register(scoutId(POD), { notAfter: Date.now() + 1_500 })),
    mend: () => spire.register(scoutId(POD)),
  },
  SafeUnreachable: elsewhere('nobody'),
  TrustDomainNotFederated: elsewhere('unfederated'),
  SafeTimeout: safeFault(faults.hang()),
  SafeNotTrusted: elsewhere('untrusted'),
  SafeWrongIdentity: elsewhere('impostor'),
  SafeRejectedIdentity: elsewhere('refusing'),
  SafeNotReady: safeFault(faults.status(400)),
  SafeHasNoSecrets: safeFault(faults.status(404)),
  SafeError: safeFault(faults.status(500)),
  ResponseTooLarge: safeFault(faults.large(MAX_BYTES + 1)),
  ResponseMalformed: safeFault(faults.empty()),
  RefInvalid: { arrange: holding(nested(70)), spec: (ns) => data(`${ns}.a.a`) },
  RefNotFound: { spec: (ns) => data(`${ns}.nothing`) },
  RefAmbiguous: {
    arrange: holding({ a: { b: 's3cr3t' }, 'a.b': 's3cr3t' }),
    spec: (ns) => data(`${ns}.a.b`),
  },
  RefIsNull: { arrange: holding({ password: null }) },
  TemplateFailed: {
    arrange: holding({ password: null }),
    spec: (ns) => ({
      values: [{ name: 'db', ref: ns }],
      data: [{ key: 'password', template: '{{ db.password }}' }],
    }),
  },
  NotGranted: { arrange: (ns) => scene.register(ns, '{"password":"s3cr3t"}', ['somewhere-else']) },
  NotYetValid: { arrange: holding({ password: 's3cr3t' }, { notBefore: '2999-01-01T00:00:00Z' }) },
  Expired: { arrange: holding({ password: 's3cr3t' }, { expires: '2001-01-01T00:00:00Z' }) },
  ValueInvalid: {
    arrange: holding({ password: 's3cr3t!' }),
    spec: (ns) => data(`${ns}.password`, { decode: 'Base64' }),
  },
  LimitExceeded: { arrange: holding(Array(20_001).fill(1)), spec: (ns) => data(`${ns}.0`) },
  TargetConflict: { arrange: existing },
  TargetContested: {
    cause: async (ns) => {
      for (let edits = 0; edits < 3; edits += 1) {
        const from = scene.agent.log.lines.length;
        await scene.patch(secretPath(ns, 'resource'), { data: { password: btoa('theirs') } });
        await scene.agent.log.when((one) => one.msg === 'Secret written' && one['namespace'] === ns, from);
      }
    },
  },
  TargetMissing: { spec: (ns) => ({ target: { creationPolicy: 'Merge' }, ...fine(ns) }) },
  TargetImmutable: {
    spec: (ns) => ({ target: { immutable: true }, ...fine(ns) }),
    cause: holding({ password: 's3cr3t, the second' }),
  },
  WriteForbidden: gate({ status: 403, reason: 'Forbidden' }),
  WriteRejected: gate({ status: 422, reason: 'Invalid' }),
  SecretTooLarge: {
    arrange: holding('s3cr3t'.repeat(100_000)),
    spec: (ns) => ({
      data: [
        { key: 'a', ref: ns },
        { key: 'b', ref: ns },
      ],
    }),
  },
  ApiUnavailable: gate({ status: 503, reason: 'ServiceUnavailable' }),
  RestartNotAllowed: {
    spec: restarting,
    cause: async (ns) => {
      await scene.apply(workload('deployments', 'shop'), ns);
      await holding({ password: 's3cr3t, the second' })(ns);
    },
  },
  RestartFailed: {
    spec: restarting,
    cause: holding({ password: 's3cr3t, the second' }),
    notOnReal: 'without the component of daemonset/optional/restart the agent may not look',
  },
};

test('there is a case for each code, and no other', () => {
  assert.deepEqual(Object.keys(CASES).toSorted(), Object.keys(REASONS).toSorted());
});

for (const [code, { spec = fine, arrange, cause, mend, notOnReal }] of Object.entries(CASES) as [
  Code,
  Case,
][]) {
  const skip = clusterKind() === 'real' && notOnReal !== undefined ? notOnReal : false;
  test(`${code} is told alike by status, log, Event, metric, page and command line`, { skip }, async () => {
    const ns = await scene.stage.namespace(`code-${code.toLowerCase()}`);
    const from = scene.agent.log.lines.length;
    // What was not arranged differently is registered and granted.
    if (code !== 'UnnamedSecret' && code !== 'NotGranted') await holding({ password: 's3cr3t' })(ns);
    await arrange?.(ns);
    try {
      await scene.apply(vss('resource', spec(ns)), ns);
      if (cause) {
        await scene.vss(ns, 'resource');
        await cause(ns);
        await scene.patch(vssPath(ns, 'resource'), {
          metadata: { annotations: { 'vsecm.com/refresh': 'now' } },
        });
      }
      const { status } = await scene.vss(ns, 'resource', failsWith(code));
      await tellAlike(code, ns, status, from);
    } finally {
      await mend?.(ns);
      await scene.stage.cluster.admin.ok('DELETE', vssPath(ns, 'resource'));
    }
    // The next case begins with an agent that is well.
    if (mend) await eventually('identity', async () => (await witness.state()).identity.notAfter);
  });
}

async function tellAlike(code: Code, ns: string, status: any, from: number): Promise<void> {
  const stage = stageOf(code);
  const outside = isOutside(code);
  assert.equal(status.failure.stage, stage);
  assert.ok(status.failure.hint.length > 20);

  const line = await scene.agent.log.when(
    (one) => one['code'] === code && one['stage'] === stage && one.msg.endsWith('fails'),
    from,
  );
  assert.equal(line.msg, outside ? 'Fetching from Safe fails' : 'VSecMSecret fails');
  assert.equal(line.level, 'warn');
  assert.equal(line['hint'] !== undefined, true);
  if (!outside) assert.deepEqual([line['namespace'], line['name']], [ns, 'resource']);

  const [where, who] = outside ? ['vsecm-agent', POD] : [ns, 'resource'];
  const [event] = await eventually('Event', async () => {
    const events = await witness.events(where, who, code);
    return events.length > 0 && events;
  });
  assert.equal(event.type, 'Warning');

  await eventually('metric', async () => (await witness.metric('failing_resources', { stage, code })) > 0);
  if (outside) assert.ok((await witness.metric('safe_failing_since_timestamp_seconds', { stage, code })) > 0);

  // What is told to one serves others for a second.
  const { state, resource } = await eventually('state', async () => {
    const state = await witness.state();
    const resource = state.resources.find(({ namespace }) => namespace === ns);
    return resource?.code === code && { state, resource };
  });
  assert.equal(resource.state, 'failing');
  assert.equal(resource.hint, status.failure.hint);
  if (outside) assert.ok(state.safes.some(({ failure }) => failure?.code === code));
  assert.ok((await witness.page('/')).includes(code));

  const { out } = await vsecm(scene.stage.cluster.kubeconfig, ['why', 'resource', '-n', ns]);
  assert.ok(out.includes(code), out);
}

test('no value was in any of it', async () => {
  assert.doesNotMatch(scene.agent.log.text + (await witness.metrics()) + (await witness.page('/')), /s3cr3t/);
});
