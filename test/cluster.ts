import type { ApiAnswer, ApiClient, Credentials } from './devcluster/api-client.ts';
import type { DevApiServer } from './devcluster/apiserver/server.ts';
import type { GateControls } from './devcluster/gate-controls.ts';

/** An API server for tests: the development one in this process, or the real kube-apiserver with etcd. */
export interface TestCluster {
  readonly kind: 'dev' | 'real';
  /** Faults, hooks, and a record of all requests of the kubeconfigs below (never of the administrator's). */
  readonly controls: GateControls;
  /** Development cluster only: what no real server offers, such as forgetting its history. */
  readonly dev?: DevApiServer;
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The administrator's client. */
  readonly admin: ApiClient;
  /** `admin.request`. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Server-side applies YAML text or objects, with force; waits for CRDs to be served. Returns what is stored. */
  apply(manifests: string | object | object[], namespace?: string): Promise<any[]>;
  /**
   * Path of a kubeconfig for a ServiceAccount, which must exist. On the real one with a token of the
   * TokenRequest API, so that RBAC and admission hold; `pod` must exist and binds the token to it. On the
   * development one any request is allowed.
   */
  kubeconfigFor(
    account: { namespace: string; name: string },
    pod?: { name: string; uid: string },
  ): Promise<string>;
  /** As `kubeconfigFor`, not as a file. */
  credentialsFor(
    account: { namespace: string; name: string },
    pod?: { name: string; uid: string },
  ): Promise<Credentials>;
  /** Runs the real kubectl as administrator; rejects on the development cluster. */
  kubectl(
    args: readonly string[],
    stdin?: string,
  ): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  /** Ends everything that was started and removes its files. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Default: the environment's VSECM_TEST_CLUSTER, else `dev`. */
  kind?: 'dev' | 'real';
  /** Real only: runs kube-controller-manager's endpointslice, garbage collector and namespace controllers. */
  controllers?: boolean;
  /** Real only: the controllers of Deployments and ReplicaSets besides. */
  workloads?: boolean;
  /** Real only: false lets the kubeconfigs reach the server without the gate, so without `controls`; for measurements. */
  gate?: boolean;
  /** Real only: shows the processes' output. */
  verbose?: boolean;
}

/** Which cluster `startCluster` starts by default. */
export function clusterKind(): 'dev' | 'real' {
  const kind = process.env.VSECM_TEST_CLUSTER ?? 'dev';
  if (kind !== 'dev' && kind !== 'real')
    throw new Error(`VSECM_TEST_CLUSTER: "${kind}", wanted: dev or real`);
  return kind;
}

/** Starts a cluster of its own for the caller, empty but for the namespace `default`. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  if ((options.kind ?? clusterKind()) === 'real') {
    const { startRealCluster } = await import('./devcluster/control-plane.ts');
    return startRealCluster(options);
  }
  const { startDevCluster } = await import('./devcluster/apiserver/cluster.ts');
  return startDevCluster();
}
