import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentOptions } from '../../agent/agent.ts';
import { startInProcess, type RunningAgent } from './agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from './await-object.ts';
import { EXAMPLES, FAST, Stage } from './stage.ts';

/** The JSON document that the documentation registers as `raw:databaseCredentials`. */
export const credentials = (username = 'root', password = 's3cr3t'): string =>
  JSON.stringify({
    cocaCola: { data: { username, password }, labels: { app: 'db' }, annotations: { env: 'prod' } },
  });

/** The first documented VSecMSecret, or the second one, as printed. */
export const example = (number: 1 | 2): Promise<string> =>
  readFile(
    join(EXAMPLES, number === 1 ? 'database-credentials-with-labels.yaml' : 'database-credentials.yaml'),
    'utf8',
  );

/** A VSecMSecret of which only the spec matters. */
export const vss = (name: string, spec: object, metadata: object = {}): object => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  metadata: { name, ...metadata },
  spec,
});

/** A Secret's values as text. */
export const valuesOf = (secret: any): Record<string, string> =>
  Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value as string, 'base64').toString(),
    ]),
  );

/** A stage with one agent in this process, fast unless told otherwise, and what tests do on it. */
export class Scene {
  readonly stage: Stage;
  readonly agent: RunningAgent;
  #named = false;

  private constructor(stage: Stage, agent: RunningAgent) {
    this.stage = stage;
    this.agent = agent;
  }

  static async start(
    env: (stage: Stage) => Record<string, string> | Promise<Record<string, string>> = () => ({}),
    options: Pick<AgentOptions, 'pace' | 'floorMs' | 'reach' | 'clock'> = { pace: FAST, floorMs: 50 },
  ): Promise<Scene> {
    const stage = await Stage.start();
    try {
      return new Scene(stage, startInProcess(await stage.join('node-1', await env(stage)), options));
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Registers `raw:NAME`, and the placeholder without which Safe would not name it. */
  async register(name: string, value: string, namespaces: string[], more: object = {}): Promise<void> {
    const { safe } = this.stage;
    if (!this.#named)
      await safe.register({
        name: 'raw:vsecm-agent-placeholder',
        value: 'placeholder',
        namespaces: ['vsecm-agent'],
      });
    this.#named = true;
    await safe.register({ name: `raw:${name}`, value, namespaces, ...more });
  }

  apply(manifests: string | object | object[], namespace: string): Promise<any[]> {
    return this.stage.cluster.apply(manifests, namespace);
  }

  /** The VSecMSecret once it fits. */
  vss(namespace: string, name: string, fits: (object: any) => boolean = isReady): Promise<any> {
    return awaitObject(this.stage.cluster.admin, vssPath(namespace, name), fits);
  }

  /** The Secret once it fits; `undefined` stands for an absent one. */
  secret(
    namespace: string,
    name: string,
    fits: (object: any) => boolean = (secret) => secret !== undefined,
  ): Promise<any> {
    return awaitObject(this.stage.cluster.admin, secretPath(namespace, name), fits);
  }

  /** Merge-patches an object as somebody other than the agent. */
  patch(path: string, patch: object): Promise<any> {
    return this.stage.cluster.admin.ok('PATCH', path, patch, {
      'content-type': 'application/merge-patch+json',
    });
  }

  /** Events about one VSecMSecret, oldest first. */
  async events(namespace: string, name: string): Promise<any[]> {
    const { items } = await this.stage.cluster.admin.ok(
      'GET',
      `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
    );
    return items
      .filter((event: any) => event.regarding.name === name)
      .sort((a: any, b: any) => (a.eventTime < b.eventTime ? -1 : 1));
  }

  /** Asks for a refresh and waits until its attempt has ended. */
  async refresh(namespace: string, name: string): Promise<any> {
    const token = `${Date.now()}-${Math.random()}`;
    await this.patch(vssPath(namespace, name), { metadata: { annotations: { 'vsecm.com/refresh': token } } });
    return this.vss(namespace, name, (object) => object.status?.handledRefresh === token);
  }

  async close(): Promise<void> {
    await this.agent.stop();
    await this.stage.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
