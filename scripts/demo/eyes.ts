import type { ApiClient } from '../../test/devcluster/api-client.ts';
import { awaitObject, secretPath, vssPath } from '../../test/stage/await-object.ts';
import type { LogLine } from '../../test/stage/log-lines.ts';
import { describeSecret } from './describe-secret.ts';
import type { Fleet } from './fleet.ts';
import type { Narrator } from './narrator.ts';
import type { ResourceObject, SecretObject } from './objects.ts';
import { resourceTable, type Definition } from './resource-table.ts';

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

  /** The node whose agent serves a resource. */
  async nodeOf([namespace, name]: Place): Promise<string> {
    const { status }: ResourceObject = await this.#admin.ok('GET', vssPath(namespace, name));
    return status?.node ?? '';
  }

  /** Prints what `kubectl get vss -A` shows. */
  async list(): Promise<void> {
    const crd: Definition = await this.#admin.ok('GET', CRD);
    const { items } = await this.#admin.ok('GET', RESOURCES);
    this.#tell.command('kubectl get vss -A');
    this.#tell.output(resourceTable(crd, items));
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
