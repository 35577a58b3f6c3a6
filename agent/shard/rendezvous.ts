import { defaultHash, type Hash } from './hash.ts';

export interface RendezvousOptions {
  /** How many members own namespaces; 0: all of them. */
  maxOwners: number;
  /** `defaultHash` unless a test wants owners that can be read off. */
  hash?: Hash;
}

/**
 * Who owns which namespace among a fixed set of members: rendezvous hashing (highest random weight), the
 * consistent hashing without a ring. Whoever knows the same members gets the same owners, in whatever order
 * they are given; a member that leaves moves only its own namespaces as long as nobody is promoted for it.
 */
export class Rendezvous {
  /** The members that own namespaces, in the order in which they were elected. */
  readonly owners: readonly string[];
  readonly #numbers: Int32Array;
  readonly #places: ReadonlyMap<string, number>;
  readonly #hash: Hash;

  constructor(members: Iterable<string>, options: RendezvousOptions) {
    this.#hash = options.hash ?? defaultHash;
    const ranked = rank(members, this.#hash);
    this.owners = options.maxOwners > 0 ? ranked.slice(0, options.maxOwners) : ranked;
    this.#numbers = Int32Array.from(this.owners, (owner) => this.#hash.name(owner));
    this.#places = new Map(this.owners.map((owner, place) => [owner, place]));
  }

  /** The owner of `namespace`; undefined without members. Looks at every owner. */
  ownerOf(namespace: string): string | undefined {
    if (this.owners.length === 0) return undefined;
    const number = this.#hash.name(namespace);
    let best = 0;
    let weight = this.#hash.weight(this.#numbers[0]!, number);
    for (let place = 1; place < this.#numbers.length; place++) {
      const other = this.#hash.weight(this.#numbers[place]!, number);
      if (other > weight || (other === weight && this.owners[place]! < this.owners[best]!)) {
        best = place;
        weight = other;
      }
    }
    return this.owners[best];
  }

  /**
   * Whether `member` owns `namespace`. Stops at the first owner that outweighs it, which comes after some
   * ln(owners) looks on average: 50,000 namespaces among 5,000 owners take milliseconds, so nothing is cached.
   */
  isOwner(member: string, namespace: string): boolean {
    const place = this.#places.get(member);
    if (place === undefined) return false;
    const number = this.#hash.name(namespace);
    const weight = this.#hash.weight(this.#numbers[place]!, number);
    for (let rival = 0; rival < this.#numbers.length; rival++) {
      const other = this.#hash.weight(this.#numbers[rival]!, number);
      if (other > weight || (other === weight && this.owners[rival]! < member)) return false;
    }
    return true;
  }
}

/**
 * Members in the order in which they are elected to own namespaces: by their own hash, so that the order
 * depends on nothing but the names, ties by name.
 */
export function rank(members: Iterable<string>, hash: Hash = defaultHash): string[] {
  return Array.from(new Set(members), (name) => ({ name, number: hash.name(name) }))
    .toSorted((a, b) => b.number - a.number || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}
