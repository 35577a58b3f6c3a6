import type { Watch } from '../devcluster/api-client.ts';
import { isReady } from './await-object.ts';
import { Changes } from './changes.ts';
import { valuesOf, vss } from './scene.ts';
import type { Stage } from './stage.ts';

export interface CrowdOptions {
  resources: number;
  namespaces: number;
  /** Secrets in Safe, which the resources use in turn. */
  secrets: number;
  /** More of the spec, for number `index`. */
  spec?: (index: number) => object;
  /** Begins the names of namespaces and secrets; needed where there are several crowds. */
  name?: string;
}

/** Requests of the test itself in flight. */
const AT_ONCE = 24;

/**
 * Many VSecMSecrets over many namespaces, each with one key from one of several secrets of Safe, and all that
 * becomes of them and of their Secrets, as watches of the administrator show it.
 */
export class Crowd {
  /** `namespace/name` of the resources and of their Secrets; number i uses secret i modulo their number. */
  readonly keys: readonly string[];
  /** The newest versions seen, by key. */
  readonly resources = new Map<string, any>();
  readonly secrets = new Map<string, any>();
  readonly #stage: Stage;
  readonly #options: CrowdOptions;
  readonly #changes = new Changes();
  readonly #values: string[];
  readonly #known: ReadonlySet<string>;
  readonly #watches = new Set<Watch>();
  #closed = false;

  private constructor(stage: Stage, options: CrowdOptions) {
    const { resources, namespaces, name = 'crowd' } = options;
    this.#stage = stage;
    this.#options = options;
    this.keys = Array.from({ length: resources }, (_, i) => `${name}-${i % namespaces}/r${i}`);
    this.#known = new Set(this.keys);
    this.#values = Array.from({ length: options.secrets }, () => 'first');
  }

  /** Registers the secrets and creates the resources. */
  static async gather(stage: Stage, options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(stage, options);
    const { namespaces, name = 'crowd', spec = () => ({ refreshInterval: '10s' }) } = options;
    const { admin } = stage.cluster;
    // Safe names its secrets when there are at least two.
    stage.safe.store.register({ name: 'raw:placeholder', value: 'placeholder', namespaces: ['vsecm-agent'] });
    for (let index = 0; index < options.secrets; index++) crowd.set(index, 'first');
    await inParallel(namespaces, (i) => stage.namespace(`${name}-${i}`));
    await inParallel(crowd.keys.length, async (i) => {
      const [namespace = '', own = ''] = (crowd.keys[i] ?? '').split('/');
      const data = [{ key: 'password', ref: `${crowd.#secretName(i % options.secrets)}.password` }];
      await admin.ok(
        'POST',
        `/apis/vsecm.com/v1alpha1/namespaces/${namespace}/vsecmsecrets`,
        vss(own, { data, ...spec(i) }),
      );
    });
    // Both end by being closed.
    crowd.#follow('/apis/vsecm.com/v1alpha1/vsecmsecrets', crowd.resources).catch(() => undefined);
    crowd.#follow('/api/v1/secrets', crowd.secrets).catch(() => undefined);
    return crowd;
  }

  /** Gives secret `index` a value, whether Safe is there at present or not. */
  set(index: number, value: string): void {
    this.#values[index] = value;
    this.#stage.safe.store.register({
      name: `raw:${this.#secretName(index)}`,
      value: JSON.stringify({ password: value }),
      namespaces: ['*'],
    });
  }

  /** The resources that use secret `index`. */
  usersOf(index: number): string[] {
    return this.keys.filter((_, i) => i % this.#options.secrets === index);
  }

  /** Whether the Secret holds what Safe holds at present, and the status says so and nothing else. */
  isFresh(key: string): boolean {
    const index = this.keys.indexOf(key) % this.#options.secrets;
    return valuesOf(this.secrets.get(key))['password'] === this.#values[index];
  }

  isSettled(key: string): boolean {
    const resource = this.resources.get(key);
    return (
      isReady(resource) &&
      resource.status.failure === undefined &&
      resource.status.secret.resourceVersion === this.secrets.get(key)?.metadata.resourceVersion
    );
  }

  /** Resolves once all are fresh and their statuses tell of nothing else. */
  settled(timeoutMs: number): Promise<void> {
    return this.until('settled', (key) => this.isSettled(key) && this.isFresh(key), timeoutMs);
  }

  /** Resolves once what `fits` says holds for all of `keys`. */
  async until(
    what: string,
    fits: (key: string) => boolean,
    timeoutMs: number,
    keys = this.keys,
  ): Promise<void> {
    // Those that fit are not asked again: with thousands, each change would cost thousands of looks.
    const left = new Set(keys);
    const all = (): boolean => {
      for (const key of left) {
        if (!fits(key)) return false;
        left.delete(key);
      }
      return keys.every(fits);
    };
    await this.#changes.until(all, timeoutMs, () => {
      const wrong = keys.filter((key) => !fits(key));
      const [one = ''] = wrong;
      return `${wrong.length} of ${keys.length} are not ${what}, such as ${one}: ${JSON.stringify(this.resources.get(one)?.status)}`;
    });
  }

  /** `resourceVersion` of each resource and each Secret. */
  versions(): Record<string, string> {
    const entries = [
      ...this.resources,
      ...[...this.secrets].map(([key, secret]) => [`${key} (Secret)`, secret] as const),
    ];
    return Object.fromEntries(entries.map(([key, object]) => [key, object.metadata.resourceVersion]));
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
  }

  #secretName(index: number): string {
    return `${this.#options.name ?? 'crowd'}-${index}`;
  }

  /** Keeps `into` as the collection is; a server may end the watch of one who is slow at reading. */
  async #follow(path: string, into: Map<string, any>): Promise<void> {
    const { admin } = this.#stage.cluster;
    while (!this.#closed) {
      const list = await admin.ok('GET', path);
      into.clear();
      for (const object of list.items) this.#take(into, object, false);
      const watch = await admin.watch(`${path}?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
      this.#watches.add(watch);
      for (let event = await watch.next(); event && event.type !== 'ERROR'; event = await watch.next())
        this.#take(into, event.object, event.type === 'DELETED');
      this.#watches.delete(watch);
    }
  }

  #take(into: Map<string, any>, object: any, gone: boolean): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    if (!this.#known.has(key)) return;
    if (gone) into.delete(key);
    else into.set(key, object);
    this.#changes.tell();
  }
}

/** Runs `work` for 0 to `count` − 1, several at a time. */
export async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
}
