import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failsWith } from '../stage/await-object.ts';
import { credentials, Scene, vss } from '../stage/scene.ts';
import { scoutId } from '../stage/stage.ts';
import { addAgentPod, addNode } from './agent-pod.ts';
import { vsecm, type Ran } from './command-line.ts';
import { KubeletPort } from './kubelet-port.ts';

const POD = 'vsecm-agent-node-1';

let scene: Scene;
let kubelet: KubeletPort;
const run = (...argv: string[]): Promise<Ran> => vsecm(scene.stage.cluster.kubeconfig, argv);
const ref = (path: string): object => ({ data: [{ key: 'password', ref: path }] });

before(async () => {
  scene = await Scene.start();
  kubelet = await KubeletPort.start();
  kubelet.containers.set(`vsecm-agent/${POD}`, { log: scene.agent.log });
  await addNode(scene.stage.cluster, 'node-1', kubelet);
  await addAgentPod(scene.stage.cluster, scene.agent);
  await scene.stage.namespace('team');
  await scene.register('db', credentials(), ['team']);
  await scene.apply(vss('db', ref('db.cocaCola.data.password')), 'team');
  await scene.apply(vss('missing', ref('db.cocaCola.data.nothing')), 'team');
  await scene.vss('team', 'db');
  await scene.vss('team', 'missing', failsWith('RefNotFound'));
  await scene.agent.log.when(({ name, code }) => name === 'missing' && code === 'RefNotFound');
});
after(async () => {
  await scene?.close();
  await kubelet?.close();
});

test('the lines about a resource are shown, with the identity’s, and no other resource’s', async () => {
  const { code, out, said } = await run('logs', 'missing', '-n', 'team');
  assert.equal(code, 0);
  assert.equal(said, `pod ${POD} on node node-1\n`);
  assert.match(out, /^\S+Z WARN  VSecMSecret fails .*code=RefNotFound .*name=missing/m);
  assert.match(out, /^ {4}Compare the ref with what was registered/m);
  assert.match(out, /^\S+Z INFO  X\.509-SVID obtained spiffeID=spiffe:/m);
  assert.doesNotMatch(out, /name=db|Secret written|VSecMSecrets and Secrets are known/);
  const raw = (await run('logs', 'missing', '-n', 'team', '--raw')).out.trimEnd().split('\n');
  assert.ok(raw.every((line) => JSON.parse(line).node === 'node-1'));
  const all = (await run('logs', 'missing', '-n', 'team', '--all')).out;
  assert.match(all, /VSecMSecrets and Secrets are known/);
});

test('with -f it goes on, and a Safe that fails is told with its cause', async () => {
  const stop = new AbortController();
  const seen = Promise.withResolvers<void>();
  let out = '';
  const following = vsecm(scene.stage.cluster.kubeconfig, ['logs', 'db', '-n', 'team', '-f'], {
    signal: stop.signal,
    onOut(text) {
      out += text;
      if (/Fetching from Safe fails .*code=SafeUnreachable/.test(out)) seen.resolve();
    },
  });
  await scene.stage.safe.stop();
  await scene.refresh('team', 'db');
  await seen.promise;
  await scene.stage.safe.start();
  stop.abort();
  assert.equal((await following).code, 0);
  assert.match(out, /cause=ECONNREFUSED/);
});

test('each agent’s identity comes from its page, or else from its log, and the reason is said', async () => {
  const fromLog = await run('identity');
  assert.equal(fromLog.code, 0, fromLog.said);
  assert.match(
    fromLog.out,
    new RegExp(`^node-1 +${POD} +yes +${scoutId(POD)} +\\S+Z \\(in \\S+\\) +log$`, 'm'),
  );
  assert.match(
    fromLog.said,
    /^not known: the API server answered \d+.*get and create pods\/portforward|^not known: the API server does not answer/,
  );
  const page = (await scene.agent.log.when(({ msg }) => msg === 'Agent started'))['pagePort'] as number;
  const byUrl = await run('identity', '--state-url', `http://127.0.0.1:${page}/`);
  assert.match(byUrl.out, new RegExp(`^node-1 +${POD} +yes +${scoutId(POD)} .* page$`, 'm'));
  try {
    const ports = new Map([[9465, page]]);
    kubelet.containers.set(`vsecm-agent/${POD}`, { log: scene.agent.log, ports });
    const fromPage = await run('identity');
    assert.deepEqual([fromPage.code, fromPage.said], [0, '']);
    assert.match(fromPage.out, /spiffe:.* page$/m);
  } finally {
    kubelet.containers.set(`vsecm-agent/${POD}`, { log: scene.agent.log });
  }
});

test('an identity that was withdrawn shows as its code, with the exit code 1', async () => {
  const spire = await scene.stage.spire('node-1');
  const from = scene.agent.log.lines.length;
  spire.remove(scoutId(POD));
  await scene.agent.log.when(({ code }) => code === 'NoIdentity', from);
  const { code, out } = await run('identity');
  assert.equal(code, 1);
  assert.match(out, /^node-1 .* NoIdentity +log$/m);
  await spire.register(scoutId(POD));
});

test('without access to logs the missing verb is named', async (t) => {
  const { cluster } = scene.stage;
  const limited = await cluster.kubeconfigFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' });
  if (cluster.kind === 'real') {
    // May read VSecMSecrets and see pods, but not their logs.
    const role = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
    const subjects = [{ kind: 'ServiceAccount', name: 'vsecm-agent', namespace: 'vsecm-agent' }];
    const metadata = { name: 'see', namespace: 'vsecm-agent' };
    const rbac = 'rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }];
    await cluster.apply([
      { apiVersion: rbac, kind: 'Role', metadata, rules },
      { apiVersion: rbac, kind: 'RoleBinding', metadata, subjects, roleRef: role('Role', 'see') },
      {
        apiVersion: rbac,
        kind: 'RoleBinding',
        metadata: { name: 'see', namespace: 'team' },
        subjects,
        roleRef: role('ClusterRole', 'vsecm-agent-view'),
      },
    ]);
  } else t.after(cluster.controls.fail({ resource: 'pods', subresource: 'log' }, { status: 403 }));
  const logs = await vsecm(limited, ['logs', 'db', '-n', 'team']);
  assert.equal(logs.code, 1);
  assert.match(
    logs.said,
    /error: you are not allowed to get pods\/log in namespace vsecm-agent: ask for a Role with that verb\n$/,
  );
  const identity = await vsecm(limited, ['identity']);
  assert.equal(identity.code, 1);
  assert.match(identity.said, /not allowed to get pods\/log in namespace vsecm-agent/);
  if (cluster.kind === 'real')
    assert.match(identity.said, /not allowed to get and create pods\/portforward in namespace vsecm-agent/);
});
