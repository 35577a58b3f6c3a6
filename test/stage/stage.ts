import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient, APPLY } from '../devcluster/api-client.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import { DevSafe } from '../devcluster/safe.ts';
import { DevSpire } from '../devcluster/spire.ts';
import { startCluster, type ClusterOptions, type TestCluster } from '../cluster.ts';
import { PACE, type Pace } from '../../agent/sync/engine.ts';

const MANIFESTS = join(import.meta.dirname, '../../daemonset');
/** Kinds whose CRDs belong to others. */
const FOREIGN = new Set(['ClusterSPIFFEID']);

/** The SPIFFE ID that the shipped ClusterSPIFFEID gives an agent's pod. */
export const scoutId = (pod: string): string =>
  `spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/${pod}`;

/** The two VSecMSecrets of the documentation, as they are printed there. */
export const EXAMPLES = join(MANIFESTS, 'examples');

/** The product's pace, hundred times as fast where only waiting would be tested. */
export const FAST: Pace = {
  fetch: { ...PACE.fetch, retryFirstMs: 100, retryMaxMs: 1_000, pollFirstMs: 100, pollMaxMs: 500 },
  status: { ...PACE.status, perResourceMs: 50 },
  retry: { apartMs: 10, allApartMs: 1 },
  rollout: { quietMs: 200, latestMs: 1_000, retryMs: [200, 500] },
  quietMs: 500,
  flushMs: 5_000,
};

/**
 * Everything around the agents: an API server with the shipped manifests (real or development), SPIRE's
 * authority, and Safe. Agents get their environment from `join`.
 */
export class Stage {
  readonly cluster: TestCluster;
  readonly authority: DevAuthority;
  readonly safe: DevSafe;
  readonly #spires = new Map<string, DevSpire>();

  private constructor(cluster: TestCluster, authority: DevAuthority, safe: DevSafe) {
    this.cluster = cluster;
    this.authority = authority;
    this.safe = safe;
  }

  /** `install`: puts other manifests on the cluster than `kubectl apply -f daemonset` does. */
  static async start({
    install = async (cluster) => cluster.apply(await shippedManifests()),
    cluster: given,
    safePort: port,
    ...options
  }: ClusterOptions & {
    install?: (cluster: TestCluster) => Promise<unknown>;
    /** One that runs already; ends with the stage. */
    cluster?: TestCluster;
    /** Where Safe listens; default any free port. */
    safePort?: number;
  } = {}): Promise<Stage> {
    const cluster = given ?? (await startCluster(options));
    const authority = await DevAuthority.create();
    const stage = new Stage(
      cluster,
      authority,
      await DevSafe.start({ authority, ...(port !== undefined && { port }) }),
    );
    try {
      await install(cluster);
      if (cluster.kind === 'real') await policyInForce(cluster);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** The SPIRE agent of a node; made on first use. */
  async spire(node: string): Promise<DevSpire> {
    const known = this.#spires.get(node);
    if (known) return known;
    const spire = await DevSpire.start({ authority: this.authority });
    this.#spires.set(node, spire);
    return spire;
  }

  /**
   * The environment of an agent on `node`, with its identity registered: under the shipped ServiceAccount,
   * alone, on free ports. `more` wins, and may name the pod.
   */
  async join(node: string, more: Record<string, string> = {}): Promise<Record<string, string>> {
    const pod = more['POD_NAME'] ?? `vsecm-agent-${node}`;
    const spire = await this.spire(node);
    await spire.register(scoutId(pod));
    return {
      NODE_NAME: node,
      POD_NAME: pod,
      POD_NAMESPACE: 'vsecm-agent',
      KUBECONFIG:
        more['KUBECONFIG'] ??
        (await this.cluster.kubeconfigFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' })),
      SPIFFE_ENDPOINT_SOCKET: spire.socket,
      VSECM_SAFE_ENDPOINT_URL: this.safe.url,
      VSECM_AGENT_SERVICE: '',
      VSECM_AGENT_HTTP_PORT: '0',
      VSECM_AGENT_PAGE_PORT: '0',
      ...more,
    };
  }

  /** A namespace, by default with a name of its own. */
  async namespace(name: string): Promise<string> {
    await this.cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  }

  async close(): Promise<void> {
    for (const spire of this.#spires.values()) await spire.close();
    await this.safe.close();
    this.authority.close();
    await this.cluster.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What `kubectl apply -f daemonset` applies, without what needs other products' CRDs or would start pods. */
async function shippedManifests(): Promise<object[]> {
  const files = (await readdir(MANIFESTS)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(MANIFESTS, file), 'utf8')));
  return (texts.flatMap((text) => loadAll(text)) as { kind: string }[]).filter(
    ({ kind }) => !FOREIGN.has(kind) && kind !== 'DaemonSet',
  );
}

/** The API server takes up a new admission policy after a second or so; until then it refuses nothing. */
async function policyInForce(cluster: TestCluster): Promise<void> {
  const agent = new ApiClient(
    await cluster.credentialsFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' }),
  );
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe' } };
  const path = '/api/v1/namespaces/default/secrets/probe?fieldManager=vsecm-agent&dryRun=All';
  while ((await agent.request('PATCH', path, secret, { 'content-type': APPLY })).status !== 403)
    await sleep(50);
  await agent.close();
}
