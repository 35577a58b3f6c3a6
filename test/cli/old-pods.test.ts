import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oldPods, type UsingPod } from '../../agent/cli/old-pods.ts';

const WRITTEN = '2026-11-25T12:00:00Z';
const BEFORE = '2026-11-25T11:59:59Z';
const env = { env: [{ valueFrom: { secretKeyRef: { name: 'db' } } }] };
type Container = NonNullable<NonNullable<UsingPod['spec']>['containers']>[number];
type Volumes = NonNullable<UsingPod['spec']>['volumes'];

interface Options {
  name?: string;
  container?: Partial<Container>;
  volumes?: Volumes;
  startedAt?: string;
  owner?: { kind: string; name: string };
  labels?: Record<string, string>;
}

const pod = ({
  name = 'p',
  container = env,
  volumes,
  startedAt = BEFORE,
  owner,
  labels,
}: Options): UsingPod => ({
  metadata: {
    name,
    ...(labels && { labels }),
    ...(owner && { ownerReferences: [{ ...owner, controller: true }] }),
  },
  spec: { containers: [{ name: 'main', ...container }], ...(volumes && { volumes }) },
  status: { phase: 'Running', containerStatuses: [{ name: 'main', state: { running: { startedAt } } }] },
});
const old = (...pods: UsingPod[]) => oldPods(pods, { namespace: 'shop', secret: 'db', writtenAt: WRITTEN });

const secretVolume: Volumes = [{ name: 'v', secret: { secretName: 'db' } }];
const mounted = (more: object): Partial<Container> => ({ volumeMounts: [{ name: 'v', ...more }] });

const HOLDS: Record<string, [Options, boolean]> = {
  'a variable of before': [{}, true],
  'a variable of the same second': [{ startedAt: WRITTEN }, false],
  'a variable of another Secret': [
    { container: { env: [{ valueFrom: { secretKeyRef: { name: 'other' } } }] } },
    false,
  ],
  'all variables': [{ container: { envFrom: [{ secretRef: { name: 'db' } }] } }, true],
  'a file by subPath': [{ container: mounted({ subPath: 'a' }), volumes: secretVolume }, true],
  'a file by subPathExpr': [{ container: mounted({ subPathExpr: '$(A)' }), volumes: secretVolume }, true],
  'a file that follows': [{ container: mounted({}), volumes: secretVolume }, false],
  'a file by subPath of a projected volume': [
    {
      container: mounted({ subPath: 'a' }),
      volumes: [{ name: 'v', projected: { sources: [{}, { secret: { name: 'db' } }] } }],
    },
    true,
  ],
  'a file by subPath of another volume': [
    { container: mounted({ subPath: 'a' }), volumes: [{ name: 'v' }] },
    false,
  ],
  'nothing of it': [{ container: {} }, false],
};

for (const [what, [options, holds]] of Object.entries(HOLDS)) {
  test(`${holds ? 'old' : 'not old'}: ${what}`, () => {
    assert.equal(old(pod(options)).length, holds ? 1 : 0);
  });
}

test('what does not run, or goes, has nothing', () => {
  const waiting = pod({});
  waiting.status = { containerStatuses: [{ name: 'main', state: {} }] };
  const going = pod({});
  going.metadata.deletionTimestamp = WRITTEN;
  assert.deepEqual(old(waiting, going, { metadata: { name: 'bare' } }), []);
});

test('a sidecar among the init containers counts', () => {
  const one = pod({ container: {} });
  one.spec!.initContainers = [{ name: 'sidecar', ...env }];
  one.status!.initContainerStatuses = [{ name: 'sidecar', state: { running: { startedAt: BEFORE } } }];
  assert.equal(old(one).length, 1);
});

test('each workload is told once, with the command for its kind', () => {
  const replica = {
    owner: { kind: 'ReplicaSet', name: 'web-5d8' },
    labels: { 'pod-template-hash': '5d8' },
  };
  assert.deepEqual(
    old(
      pod({ name: 'web-5d8-a', ...replica }),
      pod({ name: 'web-5d8-b', ...replica }),
      pod({ name: 'queue-0', owner: { kind: 'StatefulSet', name: 'queue' } }),
      pod({ name: 'log-x', owner: { kind: 'DaemonSet', name: 'log' } }),
      pod({ name: 'once', owner: { kind: 'Job', name: 'once' } }),
      pod({ name: 'own', owner: { kind: 'ReplicaSet', name: 'own' } }),
    ),
    [
      {
        workload: 'deployment/web',
        pods: ['web-5d8-a', 'web-5d8-b'],
        command: 'kubectl rollout restart deployment/web -n shop',
      },
      {
        workload: 'statefulset/queue',
        pods: ['queue-0'],
        command: 'kubectl rollout restart statefulset/queue -n shop',
      },
      {
        workload: 'daemonset/log',
        pods: ['log-x'],
        command: 'kubectl rollout restart daemonset/log -n shop',
      },
      { workload: 'pod/once', pods: ['once'], command: 'kubectl delete pod/once -n shop' },
      { workload: 'pod/own', pods: ['own'], command: 'kubectl delete pod/own -n shop' },
    ],
  );
});
