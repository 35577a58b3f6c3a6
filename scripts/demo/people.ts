import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MERGE } from '../../test/devcluster/api-client.ts';
import { secretPath, vssPath } from '../../test/stage/await-object.ts';
import type { OtherCluster } from '../../test/stage/other-cluster.ts';
import { EXAMPLES, type Stage } from '../../test/stage/stage.ts';
import type { Place } from './eyes.ts';
import type { Fleet } from './fleet.ts';
import type { Narrator } from './narrator.ts';
import type { PodObject } from './pod-view.ts';

/** A secret as somebody registers it in Safe. */
export interface Registration {
  name: string;
  namespaces: readonly string[];
  value: string;
  /** What is printed for the value; default the value. */
  shown?: string;
}

/**
 * What people do in the story: each method prints the command that they would type, and does what that
 * command does.
 */
export class People {
  readonly #stage: Stage;
  readonly #other: OtherCluster;
  readonly #agents: Fleet;
  readonly #tell: Narrator;

  constructor(stage: Stage, other: OtherCluster, agents: Fleet, tell: Narrator) {
    this.#stage = stage;
    this.#other = other;
    this.#agents = agents;
    this.#tell = tell;
  }

  /** In VSecM Sentinel: `safe -w raw:NAME ...`, which sends POST /sentinel/v1/secrets with Sentinel's SVID. */
  async register({ name, namespaces, value, shown = value }: Registration): Promise<void> {
    this.#tell.command(safeCommand({ name, namespaces, value, shown }));
    await this.#stage.safe.register({ name: `raw:${name}`, namespaces, value });
  }

  /** The same in the second cluster. */
  async registerElsewhere(registration: Registration): Promise<void> {
    this.#tell.command(`${safeCommand(registration)}    # in ${this.#other.authority.trustDomain}`);
    await this.#other.register(registration.name, registration.value, registration.namespaces);
  }

  /** SPIRE gives the agents the trust bundle of the second cluster; its own side has done so from the start. */
  async federate(nodes: readonly string[]): Promise<void> {
    const names = JSON.stringify([this.#other.authority.trustDomain]);
    this.#tell.command(
      `kubectl patch clusterspiffeid vsecm-agent --type merge -p '{"spec": {"federatesWith": ${names}}}'`,
    );
    for (const node of nodes) this.#other.federate(await this.#stage.spire(node));
  }

  /** It does so no longer. */
  async unfederate(nodes: readonly string[]): Promise<void> {
    this.#tell.command(
      `kubectl patch clusterspiffeid vsecm-agent --type merge -p '{"spec": {"federatesWith": []}}'`,
    );
    for (const node of nodes) this.#other.unfederate(await this.#stage.spire(node));
  }

  async createNamespace(name: string): Promise<void> {
    this.#tell.command(`kubectl create namespace ${name}`);
    await this.#stage.namespace(name);
  }

  /** Applies a file of daemonset/examples, as it stands there. */
  async applyExample(namespace: string, file: string): Promise<void> {
    this.#tell.command(`kubectl apply -n ${namespace} -f daemonset/examples/${file}`);
    await this.#stage.cluster.apply(await readFile(join(EXAMPLES, file), 'utf8'), namespace);
  }

  async applyText(namespace: string, yaml: string): Promise<void> {
    this.#tell.command(`kubectl apply -n ${namespace} -f - <<EOF\n${yaml.trim()}\nEOF`);
    await this.#stage.cluster.apply(yaml, namespace);
  }

  /** Has a resource refreshed at once. */
  async refresh([namespace, name]: Place): Promise<void> {
    const value = String(Math.floor(Date.now() / 1000));
    this.#tell.command(
      `kubectl annotate vss ${name} -n ${namespace} vsecm.com/refresh="$(date +%s)" --overwrite`,
    );
    await this.#patch(vssPath(namespace, name), {
      metadata: { annotations: { 'vsecm.com/refresh': value } },
    });
  }

  async applyPod(namespace: string, pod: PodObject): Promise<void> {
    this.#tell.command(`kubectl apply -n ${namespace} -f pod.yaml`);
    await this.#stage.cluster.apply(pod, namespace);
  }

  /** Edits a key of a Secret behind the agent's back. */
  async edit([namespace, name]: Place, key: string, text: string): Promise<void> {
    const patch = { data: { [key]: Buffer.from(text).toString('base64') } };
    this.#tell.command(`kubectl patch secret ${name} -n ${namespace} -p '${JSON.stringify(patch)}'`);
    await this.#patch(secretPath(namespace, name), patch);
  }

  async deleteSecret([namespace, name]: Place): Promise<void> {
    this.#tell.command(`kubectl delete secret ${name} -n ${namespace}`);
    await this.#stage.cluster.admin.ok('DELETE', secretPath(namespace, name));
  }

  /** On the node itself. */
  async killAgent(node: string): Promise<void> {
    this.#tell.command(`ssh ${node} pkill -KILL -f /app/dist/agent.js`);
    await this.#agents.kill(node);
  }

  async stopSafe(): Promise<void> {
    this.#tell.command('kubectl scale statefulset/vsecm-safe -n vsecm-system --replicas=0');
    await this.#stage.safe.stop();
  }

  async startSafe(): Promise<void> {
    this.#tell.command('kubectl scale statefulset/vsecm-safe -n vsecm-system --replicas=1');
    await this.#stage.safe.start();
  }

  async #patch(path: string, patch: object): Promise<void> {
    await this.#stage.cluster.admin.ok('PATCH', path, patch, { 'content-type': MERGE });
  }
}

function safeCommand({ name, namespaces, value, shown = value }: Registration): string {
  const granted = namespaces.map((namespace) => `-n ${namespace} `).join('');
  return `safe -w raw:${name} ${granted}-s '${shown}'`;
}
