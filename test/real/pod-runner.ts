import type { TestCluster } from '../cluster.ts';
import { MERGE } from '../devcluster/api-client.ts';

/** Stands for scheduler and kubelets: every pod of a namespace runs and is ready as soon as it is there. */
export class PodRunner {
  readonly #cluster: TestCluster;
  readonly #path: string;
  #close = (): void => {};
  #done: Promise<void> = Promise.resolve();

  constructor(cluster: TestCluster, namespace: string) {
    this.#cluster = cluster;
    this.#path = `/api/v1/namespaces/${namespace}/pods`;
  }

  async start(): Promise<void> {
    const { metadata } = await this.#cluster.admin.ok('GET', this.#path);
    const watch = await this.#cluster.admin.watch(
      `${this.#path}?watch=true&resourceVersion=${metadata.resourceVersion}`,
    );
    this.#close = () => watch.close();
    this.#done = (async () => {
      for (let event = await watch.next(); event; event = await watch.next())
        if (event.type === 'ADDED') await this.#run(event.object.metadata.name);
    })().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#close();
    await this.#done;
  }

  async #run(name: string): Promise<void> {
    const at = new Date().toISOString();
    const conditions = ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: at,
    }));
    await this.#cluster.request(
      'PATCH',
      `${this.#path}/${name}/status`,
      { status: { phase: 'Running', conditions } },
      { 'content-type': MERGE },
    );
  }
}
