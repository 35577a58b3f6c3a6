import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failsWith } from '../stage/await-object.ts';
import { credentials, Scene, vss } from '../stage/scene.ts';
import { addAgentPod, addNode } from './agent-pod.ts';
import { vsecm, type Ran } from './command-line.ts';
import { KubeletPort } from './kubelet-port.ts';

let scene: Scene;
let kubelet: KubeletPort;
let kubeconfig: string;
const why = (...argv: string[]): Promise<Ran> => vsecm(kubeconfig, ['why', ...argv]);
const explained = async (...argv: string[]) => JSON.parse((await why(...argv, '-o', 'json')).out);
const ref = (path: string): object => ({ data: [{ key: 'password', ref: path }] });

before(async () => {
  scene = await Scene.start();
  kubelet = await KubeletPort.start();
  const { cluster } = scene.stage;
  kubeconfig = cluster.kubeconfig;
  await addNode(cluster, 'node-1', kubelet);
  await addAgentPod(cluster, scene.agent);
  await scene.stage.namespace('team');
  await scene.register('db', credentials(), ['team']);
  await scene.apply(vss('db', ref('db.cocaCola.data.password')), 'team');
  await scene.vss('team', 'db');
  await scene.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain' } }, 'team');
});
after(async () => {
  await scene?.close();
  await kubelet?.close();
});

test('of a resource that is well it tells the Secret, the agent, and when Safe is asked again', async () => {
  const { code, out, said } = await why('db', '-n', 'team');
  assert.deepEqual([code, said], [0, '']);
  assert.match(out, /^team\/db +ready$/m);
  assert.match(out, /^next +Safe is asked again within 1h /m);
  assert.match(out, /^Secret +db, last written \d{4}-.*Z \(\d+s ago\)$/m);
  assert.match(out, /^agent +node-1 \(pod vsecm-agent-node-1\)$/m);
  assert.match(out, /^its page +not reached: /m);
  assert.doesNotMatch(out, /s3cr3t/);
});

const FAILURES: [name: string, code: string, spec: object, next: RegExp][] = [
  [
    'missing',
    'RefNotFound',
    ref('db.cocaCola.data.nothing'),
    /asks Safe again by itself, .*kubectl vsecm refresh missing -n team/,
  ],
  ['foreign', 'NotGranted', ref('other.password'), /asks Safe again by itself/],
  [
    'elsewhere',
    'SafeNotAllowed',
    { vsecmSafeURL: 'https://elsewhere.example', ...ref('db') },
    /nothing until the resource changes/,
  ],
  [
    'taken',
    'TargetConflict',
    { target: { name: 'plain' }, ...ref('db.cocaCola.data.password') },
    /when the resource changes or after 1h/,
  ],
];
for (const [name, code, spec, next] of FAILURES) {
  test(`${code}: the status's own code, cause and hint, and what happens next`, async () => {
    await scene.apply(vss(name, spec), 'team');
    const { status } = await scene.vss('team', name, failsWith(code));
    const { out } = await why(name, '-n', 'team');
    assert.match(out, new RegExp(`^team/${name} +not ready: ${code}$`, 'm'));
    assert.ok(out.includes(status.failure.message) && out.includes(status.failure.hint), out);
    assert.match(out, next);
    const explanation = await explained(name, '-n', 'team');
    assert.deepEqual(explanation.failure, status.failure);
    assert.deepEqual(
      [explanation.ready, explanation.node, explanation.pod],
      [false, 'node-1', 'vsecm-agent-node-1'],
    );
  });
}

test('a Safe that is away is told beside a Secret that is right', async () => {
  await scene.stage.safe.stop();
  try {
    await scene.refresh('team', 'db');
    const { out } = await why('vss/db', '-n', 'team');
    assert.match(out, /^team\/db +ready, but Safe has not confirmed it lately: SafeUnreachable$/m);
    assert.match(
      out,
      /^next +the agent asks this Safe again by itself, after 5m at most; the Secret stays as it is/m,
    );
  } finally {
    await scene.stage.safe.start();
  }
  await scene.vss('team', 'db', (object) => object.status.failure === undefined);
});

test('a suspended resource waits for nothing but its spec', async () => {
  await scene.apply(vss('asleep', { suspend: true, ...ref('db.cocaCola.data.password') }), 'team');
  await scene.vss('team', 'asleep', (object) => object.status.observedGeneration === 1);
  const { out } = await why('asleep', '-n', 'team');
  assert.match(out, /suspended: the Secret is kept as it is/);
  assert.match(out, /^next +nothing until spec\.suspend is false or gone$/m);
});

test('the page of the agent adds the refs that fail, Safe, identity and the moment of the next look', async () => {
  const page = (await scene.agent.log.when(({ msg }) => msg === 'Agent started'))['pagePort'] as number;
  const check = ({ out }: Ran): void => {
    assert.match(out, /^next +the agent looks again (now|.* \(in \S+\))$/m);
    assert.match(
      out,
      /^identity +spiffe:\/\/vsecm\.com\/workload\/vsecm-scout\/\S+, expires .* \(in \S+\)$/m,
    );
    assert.match(out, /^Safe +https:\S+ last answered .* with 2 secrets$/m);
    assert.doesNotMatch(out, /its page|s3cr3t/);
  };
  check(await why('db', '-n', 'team', '--state-url', `http://127.0.0.1:${page}/state.json`));
  const missing = await why('missing', '-n', 'team', '--state-url', `http://localhost:${page}`);
  assert.match(missing.out, /^spec\.data\[0\]\.ref +db\.cocaCola\.data\.nothing +RefNotFound$/m);
  const pod = 'vsecm-agent/vsecm-agent-node-1';
  kubelet.containers.set(pod, { log: scene.agent.log, ports: new Map([[9465, page]]) });
  check(await why('db', '-n', 'team'));
  kubelet.containers.set(pod, { log: scene.agent.log });
  const { out } = await why('db', '-n', 'team');
  assert.match(
    out,
    /^its page +not reached: the API server does not answer \(ECONNREFUSED\): .*pods\/portforward/m,
  );
});

test('a page that is not there, or is none, is said to be so', async () => {
  const { out, code } = await why('db', '-n', 'team', '--state-url', 'http://127.0.0.1:1/');
  assert.match(
    out,
    /^its page +not reached: --state-url gives no state \(ECONNREFUSED\): is kubectl port-forward running/m,
  );
  assert.equal(code, 0);
  assert.equal((await why('db', '-n', 'team', '--state-url', 'file:///etc/passwd')).code, 2);
});

test('pods that have an older value are named, with the command that restarts them', async (t) => {
  const { cluster } = scene.stage;
  const pods = '/api/v1/namespaces/team/pods';
  const run = async (name: string, startedAt: string): Promise<void> => {
    await cluster.admin.ok('POST', pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        labels: { 'pod-template-hash': '5d8' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d8', uid: 'u', controller: true },
        ],
      },
      spec: {
        // Without a token, for which the real API server wants a ServiceAccount.
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'main',
            image: 'example.com/main',
            env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
          },
        ],
      },
    });
    const status = {
      name: 'main',
      image: '',
      imageID: '',
      ready: true,
      restartCount: 0,
      state: { running: { startedAt } },
    };
    await scene.patch(`${pods}/${name}/status`, {
      status: { phase: 'Running', containerStatuses: [status] },
    });
  };
  if (cluster.kind === 'real')
    await scene.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }, 'team');
  await run('web-5d8-old', '2020-01-01T00:00:00Z');
  await run('web-5d8-new', '2999-01-01T00:00:00Z');
  const { out } = await why('db', '-n', 'team');
  const told =
    /^older value +web-5d8-old of deployment\/web started before that: kubectl rollout restart deployment\/web -n team$/m;
  assert.match(out, told);
  assert.deepEqual((await explained('db', '-n', 'team')).oldPods, [
    {
      workload: 'deployment/web',
      pods: ['web-5d8-old'],
      command: 'kubectl rollout restart deployment/web -n team',
    },
  ]);
  if (cluster.kind === 'dev') {
    t.after(cluster.controls.fail({ resource: 'pods', verb: 'list', namespace: 'team' }, { status: 403 }));
    const unseen = await vsecm(
      await cluster.kubeconfigFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' }),
      ['why', 'db', '-n', 'team'],
    );
    assert.match(
      unseen.out,
      /^unknown +which pods have an older value: you are not allowed to list pods in namespace team/m,
    );
  }
});

test('what one may not see is named with the missing verb, and the rest is told', async (t) => {
  const { cluster } = scene.stage;
  const limited = await cluster.kubeconfigFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' });
  // The agent itself may neither get VSecMSecrets nor list pods.
  if (cluster.kind === 'dev') {
    const undo = [
      cluster.controls.fail({ resource: 'vsecmsecrets', verb: 'get' }, { status: 403 }),
      cluster.controls.fail({ resource: 'pods', verb: 'list' }, { status: 403 }),
    ];
    t.after(() => undo.forEach((one) => one()));
  }
  const refused = await vsecm(limited, ['why', 'db', '-n', 'team']);
  assert.equal(refused.code, 1);
  assert.equal(
    refused.said,
    'error: you are not allowed to get vsecmsecrets.vsecm.com in namespace team: ask for a Role with that verb\n',
  );
  const unseen = await vsecm(limited, ['owners']);
  assert.equal(unseen.code, 1);
  assert.match(
    unseen.said,
    /not known: you are not allowed to list pods in namespace vsecm-agent: ask for a Role with that verb/,
  );
  assert.match(unseen.out, /^team +\(not known\) +\d+ +node-1$/m);
});

test('a resource that does not exist, and a context that does not, are said to be so', async () => {
  assert.equal(
    (await why('nobody', '-n', 'team')).said,
    'error: vsecmsecrets.vsecm.com nobody not found in namespace team\n',
  );
  assert.match(
    (await why('db', '--context', 'elsewhere')).said,
    /^error: the kubeconfig has no such context/,
  );
});
