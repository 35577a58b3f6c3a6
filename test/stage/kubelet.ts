import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import { MERGE } from '../devcluster/api-client.ts';
import type { TestCluster } from '../cluster.ts';
import type { AgentProcess } from './agents.ts';
import { Changes } from './changes.ts';

/** How the readiness of a container is found out. */
export interface Probe {
  periodMs: number;
  timeoutMs: number;
  /** Misses in a row after which it is not ready. */
  failures: number;
}

/** How long a container may hang, milliseconds, until its pod is not ready: it misses so many probes, the last to its end. */
export const hangShowsMs = ({ periodMs, timeoutMs, failures }: Probe): number =>
  periodMs * failures + timeoutMs;

export interface Pod {
  readonly name: string;
  readonly uid: string;
}

/** Starts the container of a pod; called again for each restart. */
export type Launch = (pod: Pod) => Promise<AgentProcess>;

const PODS = '/api/v1/namespaces/vsecm-agent/pods';
const GRACE_SECONDS = 30;

/** The shipped DaemonSet, as far as a kubelet and the DaemonSet controller follow it. */
export async function shippedDaemonSet(): Promise<{ labels: object; spec: any; probe: Probe }> {
  const text = await readFile(join(import.meta.dirname, '../../daemonset/60-daemonset.yaml'), 'utf8');
  const { metadata, spec } = (load(text) as any).spec.template;
  const { periodSeconds, timeoutSeconds, failureThreshold } = spec.containers[0].readinessProbe;
  return {
    labels: metadata.labels,
    spec,
    probe: { periodMs: periodSeconds * 1000, timeoutMs: timeoutSeconds * 1000, failures: failureThreshold },
  };
}

/**
 * One node as the API server sees it, with the agent's pod on it: the parts of the DaemonSet controller, the
 * kubelet and the node monitor that matter to the agents. The container is a process of this machine.
 */
export class Kubelet {
  readonly node: string;
  readonly #cluster: TestCluster;
  readonly #ip: string;
  readonly #probe: Probe;
  readonly #changes = new Changes();
  #pod: Pod | undefined;
  #launch: Launch | undefined;
  #agent: AgentProcess | undefined;
  #attention = new AbortController();
  /** Settles when the one who looks after the container has stopped. */
  #watching: Promise<void> = Promise.resolve();
  /** What the API server was told; undefined: nothing yet of this pod. */
  #ready: boolean | undefined;

  private constructor(options: { cluster: TestCluster; node: string; ip: string; probe: Probe }) {
    this.node = options.node;
    this.#cluster = options.cluster;
    this.#ip = options.ip;
    this.#probe = options.probe;
  }

  /** Makes the Node object. `number` is the node's own, from 1 to 250. */
  static async join(options: {
    cluster: TestCluster;
    node: string;
    number: number;
    probe: Probe;
  }): Promise<Kubelet> {
    const { cluster, node, number, probe } = options;
    await cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
    // Not of loopback, or the endpointslice controller leaves the pod out.
    return new Kubelet({ cluster, node, ip: `10.244.${number}.7`, probe });
  }

  /** The pod, while there is one. */
  get pod(): Pod | undefined {
    return this.#pod;
  }

  /** The process, also after its end. */
  get agent(): AgentProcess {
    if (!this.#agent) throw new Error(`nothing ever ran on ${this.node}`);
    return this.#agent;
  }

  /** Makes a pod, as the DaemonSet controller does, and starts its container. */
  async run(launch: Launch): Promise<void> {
    const { labels, spec } = await shippedDaemonSet();
    const name = `vsecm-agent-${Math.random().toString(36).slice(2, 7)}`;
    const { metadata } = await this.#cluster.admin.ok('POST', PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'vsecm-agent', labels },
      spec: { ...spec, nodeName: this.node },
    });
    this.#pod = { name, uid: metadata.uid };
    this.#ready = undefined;
    this.#launch = launch;
    await this.#report(false);
    await this.restartContainer();
  }

  /** Starts the container of the pod that is there; for after a crash. */
  async restartContainer(): Promise<void> {
    if (!this.#pod || !this.#launch) throw new Error(`no pod on ${this.node}`);
    const agent = await this.#launch(this.#pod);
    this.#agent = agent;
    this.#attention = new AbortController();
    this.#watching = this.#watch(agent, this.#attention.signal);
  }

  /** Resolves once the pod is ready, or is not. */
  whenReady(ready = true, timeoutMs = 60_000): Promise<void> {
    return this.#changes.until(
      () => this.#ready === ready,
      timeoutMs,
      () =>
        `the pod on ${this.node} is ${ready ? 'not ' : ''}ready; its last lines: ${this.#agent?.log.text.slice(-1_000)}`,
    );
  }

  /** Deletes the pod as `kubectl delete pod` and a rolling update do: SIGTERM, and gone once it has ended. Resolves to the exit code. */
  async delete(): Promise<number> {
    const path = `${PODS}/${this.#pod?.name ?? ''}`;
    await this.#cluster.admin.ok('DELETE', path, { gracePeriodSeconds: GRACE_SECONDS });
    this.#attention.abort();
    await this.#watching;
    const code = await end(this.agent, GRACE_SECONDS * 1000);
    await this.#cluster.admin.ok('DELETE', path, { gracePeriodSeconds: 0 });
    this.#pod = undefined;
    return code;
  }

  /** The machine is gone, all at once; the node monitor finds out after `monitorMs`. Resolves when it has. */
  async die(monitorMs: number): Promise<void> {
    this.#attention.abort();
    this.agent.kill('SIGKILL');
    await this.#watching;
    await sleep(monitorMs);
    await this.#report(false);
  }

  /** The network around the machine is cut, the container runs; the node monitor finds out after `monitorMs`. Resolves when it has. */
  async lose(monitorMs: number): Promise<void> {
    this.#attention.abort();
    await this.#watching;
    await sleep(monitorMs);
    await this.#report(false);
  }

  /** The network is there again: the kubelet goes on where it was. */
  find(): void {
    this.#attention = new AbortController();
    this.#watching = this.#watch(this.agent, this.#attention.signal);
  }

  /** Ends the process, without a word to the API server. */
  async close(): Promise<void> {
    this.#attention.abort();
    await this.#watching;
    if (!this.#agent) return;
    this.#agent.kill('SIGCONT');
    await end(this.#agent, 5_000);
  }

  /** Probes the container and tells of it, until its end or `signal`. */
  async #watch(agent: AgentProcess, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    void agent.exited.then(() => ended.abort());
    const over = AbortSignal.any([signal, ended.signal]);
    const port = await Promise.race([agent.port(), agent.exited.then(() => 0)]);
    let misses = 0;
    while (!over.aborted) {
      const next = Date.now() + this.#probe.periodMs;
      const ok = await isReady(port, this.#probe.timeoutMs);
      misses = ok ? 0 : misses + 1;
      if (over.aborted) break;
      if (ok || misses >= this.#probe.failures) await this.#report(ok);
      await sleep(Math.max(0, next - Date.now()), undefined, { signal: over }).catch(() => undefined);
    }
    // The kubelet sees the end of a container by itself.
    if (!signal.aborted) await this.#report(false);
  }

  /** Writes the pod's status, if it changed. */
  async #report(ready: boolean): Promise<void> {
    if (!this.#pod || ready === this.#ready) return;
    const at = new Date().toISOString();
    const condition = (type: string, holds: boolean): object => ({
      type,
      status: holds ? 'True' : 'False',
      lastTransitionTime: at,
    });
    const status = {
      phase: 'Running',
      podIP: this.#ip,
      podIPs: [{ ip: this.#ip }],
      conditions: [
        condition('Initialized', true),
        condition('ContainersReady', ready),
        condition('Ready', ready),
      ],
    };
    await this.#cluster.admin.ok(
      'PATCH',
      `${PODS}/${this.#pod.name}/status`,
      { status },
      { 'content-type': MERGE },
    );
    this.#ready = ready;
    this.#changes.tell();
  }
}

async function isReady(port: number, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** SIGTERM, after `graceMs` SIGKILL; the exit code. */
async function end(agent: AgentProcess, graceMs: number): Promise<number> {
  if (agent.child.exitCode !== null || agent.child.signalCode !== null) return agent.exited;
  const force = setTimeout(() => agent.kill('SIGKILL'), graceMs);
  try {
    return await agent.stop();
  } finally {
    clearTimeout(force);
  }
}
