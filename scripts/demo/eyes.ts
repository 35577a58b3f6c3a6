import { basename, dirname } from 'node:path';
import type { ApiClient } from '../../test/devcluster/api-client.ts';
import { awaitObject, secretPath, vssPath } from '../../test/stage/await-object.ts';
import type { LogLine } from '../../test/stage/log-lines.ts';
import { describeSecret } from './describe-secret.ts';
import type { Fleet } from './fleet.ts';
import type { Narrator } from './narrator.ts';
import type { ResourceObject, SecretObject } from './objects.ts';
import { viewOf, type PodObject } from './pod-view.ts';
import { resourceTable, type Definition } from './resource-table.ts';
import { SecretWatch } from './secret-watch.ts';

/** An object by namespace and name. */
export type Place = readonly [namespace: string, name: string];

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/vsecmsecrets.vsecm.com';
const RESOURCES = '/apis/vsecm.com/v1alpha1/vsecmsecrets';
const EVENTS = '/apis/events.k8s.io/v1/events';

/**
 * What is seen in the story. The methods with a sentence wait until what it says is so, and fail if it does not
 * come; nothing is said that was not seen.
 */
export class Eyes {
  readonly #admin: ApiClient;
  readonly #agents: Fleet;
  readonly #tell: Narrator;

  constructor(admin: ApiClient, agents: Fleet, tell: Narrator) {
    this.#admin = admin;
    this.#agents = agents;
    this.#tell = tell;
  }

  resource(
    sentence: string,
    [namespace, name]: Place,
    fits: (resource: ResourceObject | undefined) => boolean,
  ): Promise<ResourceObject> {
    return this.#tell.witness(sentence, awaitObject(this.#admin, vssPath(namespace, name), fits));
  }

  secret(
    sentence: string,
    [namespace, name]: Place,
    fits: (secret: SecretObject | undefined) => boolean,
  ): Promise<SecretObject> {
    return this.#tell.witness(sentence, awaitObject(this.#admin, secretPath(namespace, name), fits));
  }

  noSecret(sentence: string, place: Place): Promise<unknown> {
    return this.secret(sentence, place, (secret) => secret === undefined);
  }

  /** The next line with this message in the log of the agent on `node`, after its first `from` lines. */
  logLine(sentence: string, node: string, message: string, from: number): Promise<LogLine> {
    return this.#tell.witness(
      sentence,
      this.#agents.whenLogged(node, ({ msg }) => msg === message, from),
    );
  }

  /** Prints what a container of the pod finds of Secrets, as a kubelet would give it. */
  async pod(sentence: string, namespace: string, pod: PodObject): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}`;
    const view = await this.#tell.witness(
      sentence,
      viewOf(await this.#admin.ok('GET', path), (name) => this.#admin.ok('GET', secretPath(namespace, name))),
    );
    const exec = `kubectl exec -n ${namespace} ${pod.metadata.name} --`;
    for (const [name, text] of Object.entries(view.env)) {
      this.#tell.command(`${exec} printenv ${name}`);
      this.#tell.output(text);
    }
    for (const folder of new Set(Object.keys(view.files).map((file) => dirname(file)))) {
      this.#tell.command(`${exec} ls ${folder}`);
      this.#tell.output(
        Object.keys(view.files)
          .filter((file) => dirname(file) === folder)
          .map((file) => basename(file))
          .join('\n'),
      );
    }
    this.#tell.say('No container runs here: this is what a kubelet makes of the pod and the Secret.');
  }

  /** The resources that the agent on `node` serves. */
  async servedBy(node: string): Promise<Place[]> {
    const { items } = await this.#admin.ok('GET', RESOURCES);
    return (items as ResourceObject[])
      .filter(({ status }) => status?.node === node)
      .map(({ metadata: { namespace, name } }): Place => [namespace, name]);
  }

  /** All that happens to Secrets from now on. */
  secretsFromNow(): Promise<SecretWatch> {
    return SecretWatch.begin(this.#admin);
  }

  /** The node whose agent serves a resource. */
  async nodeOf([namespace, name]: Place): Promise<string> {
    const { status }: ResourceObject = await this.#admin.ok('GET', vssPath(namespace, name));
    return status?.node ?? '';
  }

  /** Prints what `kubectl get vss` shows of a namespace, or with `-A`. */
  async list(namespace?: string): Promise<void> {
    const crd: Definition = await this.#admin.ok('GET', CRD);
    const all: ResourceObject[] = (await this.#admin.ok('GET', RESOURCES)).items;
    const allNamespaces = namespace === undefined;
    const items = all.filter(({ metadata }) => allNamespaces || metadata.namespace === namespace);
    this.#tell.command(`kubectl get vss ${allNamespaces ? '-A' : `-n ${namespace}`}`);
    this.#tell.output(resourceTable(crd, items, { allNamespaces }));
  }

  /** Prints what `kubectl describe secret` shows. */
  async describe([namespace, name]: Place): Promise<void> {
    this.#tell.command(`kubectl describe secret ${name} -n ${namespace}`);
    this.#tell.output(describeSecret(await this.#admin.ok('GET', secretPath(namespace, name))));
  }

  /** Looks for `values` wherever more people may read than may read Secrets. @throws Error where one is */
  async noneOf(values: readonly string[]): Promise<void> {
    const { logs, metrics } = await this.#agents.outputs();
    const resources = JSON.stringify(await this.#admin.ok('GET', RESOURCES));
    const events = JSON.stringify(await this.#admin.ok('GET', EVENTS));
    for (const [place, text] of Object.entries({ logs, metrics, resources, events })) {
      if (values.some((value) => text.includes(value)))
        throw new Error(`a secret's value shows up in: ${place}`);
    }
  }
}
