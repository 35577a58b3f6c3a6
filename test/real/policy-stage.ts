import { startInProcess, type RunningAgent } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { valuesOf, vss } from '../stage/scene.ts';
import { FAST, Stage } from '../stage/stage.ts';

export const POLICIES = ['Owner', 'Orphan', 'Merge'] as const;
export type Policy = (typeof POLICIES)[number];

/** One namespace per cell of a table; its VSecMSecret is `db`, its target `target`. */
export interface Cell {
  readonly ns: string;
  readonly policy: Policy;
}

/** Metadata by which somebody lets the agent write a Secret. */
export const CONSENT = { annotations: { 'vsecm.com/allow-adoption': 'true' } };

/** A real API server with its garbage collector, one agent at a fast pace, and what people do there. */
export class PolicyStage {
  readonly stage: Stage;
  readonly agent: RunningAgent;

  private constructor(stage: Stage, agent: RunningAgent) {
    this.stage = stage;
    this.agent = agent;
  }

  static async start(): Promise<PolicyStage> {
    const stage = await Stage.start({ kind: 'real', controllers: true });
    const agent = startInProcess(await stage.join('node-1'), { pace: FAST, floorMs: 50 });
    await agent.port();
    await stage.safe.register({
      name: 'raw:vsecm-agent-placeholder',
      value: 'placeholder',
      namespaces: ['vsecm-agent'],
    });
    return new PolicyStage(stage, agent);
  }

  async close(): Promise<void> {
    await this.agent.stop();
    await this.stage.close();
  }

  get api() {
    return this.stage.cluster.admin;
  }

  /** Somebody makes a Secret. */
  secret(ns: string, data: Record<string, string>, more: object = {}, metadata: object = {}): Promise<any> {
    return this.api.ok('POST', `/api/v1/namespaces/${ns}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'target', ...metadata },
      stringData: data,
      ...more,
    });
  }

  /** Somebody merge-patches an object. */
  patch(path: string, patch: object): Promise<any> {
    return this.api.ok('PATCH', path, patch, { 'content-type': 'application/merge-patch+json' });
  }

  register(ns: string, password: string): Promise<unknown> {
    return this.stage.safe.register({
      name: `raw:${ns}`,
      value: JSON.stringify({ password }),
      namespaces: [ns],
    });
  }

  /** Makes the target one that the policy can have: for Merge somebody else's, with consent. */
  async arrange({ ns, policy }: Cell, name = 'target'): Promise<void> {
    if (policy === 'Merge') await this.secret(ns, { theirs: 'kept' }, {}, { name, ...CONSENT });
  }

  declare(cell: Cell, target: object = {}, more: object = {}): Promise<unknown> {
    return this.stage.cluster.apply(vss('db', { ...specOf(cell, target), ...more }), cell.ns);
  }

  /** The resource once it has told of its present generation. */
  told(ns: string, name = 'db'): Promise<any> {
    return awaitObject(
      this.api,
      vssPath(ns, name),
      (one) =>
        (one?.status?.conditions?.length ?? 0) > 0 &&
        one.status.observedGeneration === one.metadata.generation,
    );
  }

  /** Waits until what is made now is younger: ages are compared in whole seconds. */
  async aged(creationTimestamp: string): Promise<void> {
    while (new Date().toISOString().slice(0, 19) <= creationTimestamp.slice(0, 19))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Asks for a refresh and waits for the end of its attempt, whatever it is. */
  async refresh({ ns }: Cell): Promise<any> {
    const token = `${performance.now()}`;
    await this.patch(vssPath(ns, 'db'), { metadata: { annotations: { 'vsecm.com/refresh': token } } });
    return awaitObject(this.api, vssPath(ns, 'db'), (object) => object.status?.handledRefresh === token);
  }

  /** What the agent might do wrong after the end, or tell, would be done before this other resource is ready and told. */
  async afterwards(ns: string): Promise<void> {
    await this.stage.cluster.apply(
      vss('after', { data: [{ key: 'p', ref: `${ns}.password` }] }, CONSENT),
      ns,
    );
    await awaitObject(this.api, vssPath(ns, 'after'), isReady);
    while ((await this.#events(ns)).every(({ regarding }) => regarding.name !== 'after'));
  }

  /** The Secret, as whoever may read it sees it. */
  async look(ns: string, name = 'target'): Promise<any> {
    const { status, body } = await this.stage.cluster.request('GET', secretPath(ns, name));
    return status === 404 ? undefined : body;
  }

  /** `Ready`, the reason why not, `Suspended` whether it was ready or not, or `(gone)`. */
  async condition(ns: string): Promise<string> {
    const { status, body } = await this.stage.cluster.request('GET', vssPath(ns, 'db'));
    if (status === 404) return '(gone)';
    const ready = body.status?.conditions?.find((one: any) => one.type === 'Ready');
    return ready.status === 'True' && ready.reason !== 'Suspended' ? 'Ready' : ready.reason;
  }

  /** Reasons of the Events about the resource, oldest first; `since`: an eventTime. */
  async events(ns: string, since = ''): Promise<string[]> {
    return (await this.#events(ns))
      .filter((event: any) => event.regarding.name === 'db' && event.eventTime >= since)
      .sort((a: any, b: any) => (a.eventTime < b.eventTime ? -1 : 1))
      .map((event: any) => event.reason);
  }

  async #events(ns: string): Promise<any[]> {
    return (await this.api.ok('GET', `/apis/events.k8s.io/v1/namespaces/${ns}/events`)).items;
  }
}

/** A spec whose one key is the namespace's password. */
export const specOf = ({ ns, policy }: Cell, target: object = {}) => ({
  target: { name: 'target', creationPolicy: policy, ...target },
  data: [{ key: 'password', ref: `${ns}.password` }],
});

/** What a reader sees of a Secret: values told by whose they are. `before`: as it was before what is looked at. */
export function describe(found: any, before: any): string {
  if (!found) return 'absent';
  const values = Object.entries(valuesOf(found))
    .sort()
    .map(([key, value]) => `${key}=${value}`);
  const owners = (found.metadata.ownerReferences ?? []).map((owner: any) =>
    owner.name === 'db' ? ', owned by the resource' : `, owned by ${owner.name}`,
  );
  const foreign = found.type === 'Opaque' ? '' : `, type ${found.type}`;
  return `${values.join(' ')}${foreign}${found.immutable ? ', immutable' : ''}${owners.join('')}${sameness(found, before)}`;
}

function sameness(found: any, before: any): string {
  if (!before) return '';
  if (found.metadata.uid !== before.metadata.uid) return ', made anew';
  return found.metadata.resourceVersion === before.metadata.resourceVersion ? ', untouched' : '';
}
