import { Failure } from './reasons.ts';
import { parseSpec, type Spec } from './vsecmsecret.ts';

/** Characters of the specs of one namespace: ten thousand of an ordinary size, a hundred of the largest. */
export const MAX_IN_NAMESPACE = 8 * 1024 * 1024;
/** Characters of all specs, of one byte or two each in memory: fifty thousand of an ordinary size. */
export const MAX_IN_ALL = 32 * 1024 * 1024;
/** What is left when room was made, so that it is not made again for each that comes. */
const MAX_AFTER_MAKING = MAX_IN_ALL * (7 / 8);

/** A spec as it is kept: its JSON; `undefined` if there is no room for it, which is a failure of its own. */
export interface KeptSpec {
  readonly text: string | undefined;
}

interface Entry extends KeptSpec {
  text: string | undefined;
}

/** What is kept of one namespace. */
interface Share {
  readonly specs: Map<string, Entry>;
  characters: number;
}

/**
 * Room for the specs of all VSecMSecrets that an agent watches, whoever serves them. Nobody's resources, however
 * many and however large, cost an agent more than MAX_IN_ALL: beyond its share a namespace has no room, and what is
 * too much in all is taken from the namespaces that have most. What changes is judged anew.
 */
export class SpecRoom {
  readonly #shares = new Map<string, Share>();
  #characters = 0;

  /** @param key `namespace/name`; what was kept for it before makes room */
  keep(key: string, spec: unknown): KeptSpec {
    this.drop(key);
    const entry: Entry = { text: JSON.stringify(spec) ?? 'null' };
    const size = sizeOf(entry);
    const namespace = namespaceOf(key);
    const share = this.#shares.get(namespace) ?? { specs: new Map<string, Entry>(), characters: 0 };
    if (share.characters + size > MAX_IN_NAMESPACE) return { text: undefined };
    this.#shares.set(namespace, share);
    share.specs.set(key, entry);
    share.characters += size;
    this.#characters += size;
    if (this.#characters > MAX_IN_ALL) this.#makeRoom();
    return entry;
  }

  /** The resource is gone. */
  drop(key: string): void {
    const namespace = namespaceOf(key);
    const share = this.#shares.get(namespace);
    const entry = share?.specs.get(key);
    if (share === undefined || entry === undefined) return;
    share.specs.delete(key);
    share.characters -= sizeOf(entry);
    this.#characters -= sizeOf(entry);
    if (share.specs.size === 0) this.#shares.delete(namespace);
  }

  /** Takes from those who have most what they have beyond a fair share of the room. */
  #makeRoom(): void {
    const shares = [...this.#shares.values()].toSorted((a, b) => a.characters - b.characters);
    let left = MAX_AFTER_MAKING;
    for (const [index, share] of shares.entries()) {
      const fair = left / (shares.length - index);
      for (const entry of [...share.specs.values()].toReversed()) {
        if (share.characters <= fair) break;
        share.characters -= sizeOf(entry);
        this.#characters -= sizeOf(entry);
        entry.text = undefined;
      }
      left -= share.characters;
    }
  }
}

/** The spec that was kept of a resource; throws `LimitExceeded` if it was not, `InvalidSpec` if it does not parse. */
export function parseKept(name: string, { text }: KeptSpec): Spec {
  if (text === undefined) {
    throw new Failure(
      'LimitExceeded',
      "spec: the VSecMSecrets of the namespace have more than 8,388,608 characters together, or most of the 33,554,432 that all may have: delete or shorten some, then change this one's annotation vsecm.com/refresh",
    );
  }
  return parseSpec({ metadata: { name }, spec: JSON.parse(text) as unknown });
}

const sizeOf = ({ text }: KeptSpec): number => text?.length ?? 0;
const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
