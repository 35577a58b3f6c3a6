import { EventEmitter, once } from 'node:events';
import type { ApiClient, Watch } from '../../test/devcluster/api-client.ts';
import { isReady } from '../../test/stage/await-object.ts';
import type { Declared } from './workload.ts';

const PATH = '/apis/vsecm.com/v1alpha1/vsecmsecrets';

/** Which VSecMSecrets of a cluster are Ready, as a watch shows it. */
export class Readiness implements Disposable {
  readonly #client: ApiClient;
  readonly #ready = new Set<string>();
  readonly #events = new EventEmitter();
  #watch: Watch | undefined;
  #ended = false;

  private constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Follows from now on. What is seen is taken at once: the API server ends watches that are not read. */
  static async follow(client: ApiClient): Promise<Readiness> {
    const readiness = new Readiness(client);
    await readiness.#open();
    void readiness.#read();
    return readiness;
  }

  /** Resolves to performance.now() as soon as so many are Ready. */
  async count(wanted: number): Promise<number> {
    while (this.#ready.size < wanted) await once(this.#events, 'ready');
    return performance.now();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#watch?.close();
  }

  async #open(): Promise<void> {
    const { items, metadata } = await this.#client.ok('GET', PATH);
    for (const item of items) this.#see(item);
    this.#watch = await this.#client.watch(`${PATH}?watch=true&resourceVersion=${metadata.resourceVersion}`);
  }

  async #read(): Promise<void> {
    try {
      while (!this.#ended) {
        const event = await this.#watch?.next();
        if (event === undefined || event.type === 'ERROR') await this.#open();
        else this.#see(event.object);
      }
    } catch (error) {
      if (!this.#ended) this.#events.emit('error', error);
    }
  }

  #see(object: Declared): void {
    const { namespace, name } = object.metadata;
    if (isReady(object)) this.#ready.add(`${namespace}/${name}`);
    this.#events.emit('ready');
  }
}
