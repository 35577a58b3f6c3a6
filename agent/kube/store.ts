import type { Log } from '../log.ts';
import { codeOf } from './error.ts';
import type { OnChange, Source, Stored } from './source.ts';
import type { RawObject } from './watch-event.ts';

export interface StoreOptions<T extends Stored> {
  source: Pick<Source<T>, 'name' | 'parse'>;
  onChange: OnChange<T>;
  log: Log;
}

/** The objects of one list and watch. Only what really changed is told: resourceVersions are compared. */
export class Store<T extends Stored> {
  readonly #options: StoreOptions<T>;
  readonly #objects = new Map<string, T>();

  constructor(options: StoreOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Takes an object that exists; returns its key. */
  set(object: RawObject): string {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined && before.resourceVersion === object.metadata?.resourceVersion) return key;
    const now = this.#parse(object, key);
    if (now === undefined) {
      this.#remove(key);
    } else {
      this.#objects.set(key, now);
      this.#tell(now, before, key);
    }
    return key;
  }

  /** Takes an object that is gone. */
  delete(object: RawObject): void {
    this.#remove(keyOf(object));
  }

  /** Only `keys` exist. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#objects.keys()) if (!keys.has(key)) this.#remove(key);
  }

  #remove(key: string): void {
    const before = this.#objects.get(key);
    if (!this.#objects.delete(key)) return;
    this.#tell(undefined, before, key);
  }

  #parse(object: RawObject, key: string): T | undefined {
    try {
      return this.#options.source.parse(object);
    } catch (error) {
      this.#complain('parsing an object failed, it is ignored', error, key);
      return undefined;
    }
  }

  #tell(now: T | undefined, before: T | undefined, key: string): void {
    try {
      this.#options.onChange(now, before, key);
    } catch (error) {
      this.#complain('handling a change failed', error, key);
    }
  }

  #complain(message: string, error: unknown, key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    this.#options.log.error(message, {
      resource: this.#options.source.name,
      namespace,
      name,
      code: codeOf(error),
    });
  }
}

function keyOf({ metadata }: RawObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
