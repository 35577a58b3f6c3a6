import type { ApiClient, Watch } from '../devcluster/api-client.ts';
import { Changes } from './changes.ts';
import { valuesOf } from './scene.ts';

/** A resource that says that another node serves it now. */
export interface Move {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/**
 * Sees every version of every Secret and VSecMSecret in some namespaces, while the Secrets are kept in step with
 * a `RisingValue`: each must hold its two equal values from its first version on, and never lower ones than before.
 */
export class Observer {
  /** What must never be seen: a Secret absent, torn, or set back. */
  readonly findings: string[] = [];
  readonly moves: Move[] = [];
  readonly #keys: ReadonlySet<string>;
  readonly #changes = new Changes();
  /** For each Secret the values that it rose to, and when that was seen. */
  readonly #rises = new Map<string, { value: number; at: number }[]>();
  readonly #nodes = new Map<string, string>();
  readonly #watches: Watch[];

  private constructor(keys: readonly string[], watches: Watch[]) {
    this.#keys = new Set(keys);
    this.#watches = watches;
  }

  /** Watches the Secrets and VSecMSecrets `namespace/name`, none of which exists yet. */
  static async start(admin: ApiClient, keys: readonly string[]): Promise<Observer> {
    const follow = async (path: string): Promise<Watch> => {
      const { metadata } = await admin.ok('GET', `${path}?limit=1`);
      return admin.watch(
        `${path}?watch=true&timeoutSeconds=3600&resourceVersion=${metadata.resourceVersion}`,
      );
    };
    const secrets = await follow('/api/v1/secrets');
    const resources = await follow('/apis/vsecm.com/v1alpha1/vsecmsecrets');
    const observer = new Observer(keys, [secrets, resources]);
    void observer.#read(secrets, (gone, object, key) => observer.#secret(gone, object, key));
    void observer.#read(resources, (gone, object, key) => observer.#resource(gone, object, key));
    return observer;
  }

  /** Names of nodes by `namespace/name`, as the statuses say. */
  get nodes(): ReadonlyMap<string, string> {
    return this.#nodes;
  }

  /** Resolves once all Secrets hold `value` or a higher one. */
  caughtUp(value: number, timeoutMs: number): Promise<void> {
    const behind = (): string[] => [...this.#keys].filter((key) => this.#value(key) < value);
    return this.#changes.until(
      () => behind().length === 0,
      timeoutMs,
      () => `${behind().length} Secrets are behind value ${value}: ${behind().slice(0, 5).join(', ')}`,
    );
  }

  /** Resolves once each status names the node that `ownerOf` its namespace gives. */
  servedBy(ownerOf: (namespace: string) => string | undefined, timeoutMs: number): Promise<void> {
    const wrong = (): string[] =>
      [...this.#keys].filter((key) => this.#nodes.get(key) !== ownerOf(key.slice(0, key.indexOf('/'))));
    return this.#changes.until(
      () => wrong().length === 0,
      timeoutMs,
      () =>
        `${wrong().length} resources are served by another than their owner: ${wrong()
          .map((key) => `${key} by ${this.#nodes.get(key) ?? 'none'}`)
          .slice(0, 5)
          .join(', ')}`,
    );
  }

  /** Resolves once the Secret holds `value` or a higher one. */
  async reached(key: string, value: number, timeoutMs: number): Promise<void> {
    await this.#changes.until(
      () => this.#value(key) >= value,
      timeoutMs,
      () => `${key} is behind value ${value}`,
    );
  }

  /** When the Secret first held `value` or a higher one, Unix milliseconds; `Infinity` if it does not yet. */
  reachedAt(key: string, value: number): number {
    return this.#rises.get(key)?.find((rise) => rise.value >= value)?.at ?? Infinity;
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }

  #value(key: string): number {
    return this.#rises.get(key)?.at(-1)?.value ?? 0;
  }

  async #read(watch: Watch, take: (gone: boolean, object: any, key: string) => void): Promise<void> {
    try {
      for (let event = await watch.next(); event; event = await watch.next()) {
        if (event.type === 'ERROR' || event.type === 'BOOKMARK') break;
        const { namespace, name } = event.object.metadata;
        const key = `${namespace}/${name}`;
        if (!this.#keys.has(key)) continue;
        take(event.type === 'DELETED', event.object, key);
        this.#changes.tell();
      }
      this.findings.push('the observer was blind: its watch ended');
    } catch {
      // Closed.
    }
  }

  #secret(gone: boolean, secret: any, key: string): void {
    if (gone) return void this.findings.push(`${key} was absent`);
    const { first = '', second = '', ...others } = valuesOf(secret);
    const value = Number(first);
    if (first !== second || !(value > 0) || Object.keys(others).length > 0)
      return void this.findings.push(`${key} was torn`);
    const before = this.#value(key);
    if (value < before) this.findings.push(`${key} was set back from ${before} to ${value}`);
    if (value <= before) return;
    const rises = this.#rises.get(key) ?? [];
    rises.push({ value, at: Date.now() });
    this.#rises.set(key, rises);
  }

  #resource(gone: boolean, { status }: any, key: string): void {
    const from = this.#nodes.get(key);
    const to = status?.node;
    if (gone || to === undefined || to === from) return;
    this.#nodes.set(key, to);
    if (from !== undefined) this.moves.push({ key, from, to, at: Date.now() });
  }
}
