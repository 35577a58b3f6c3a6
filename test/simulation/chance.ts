/**
 * One source of chance: a link, a cache, an agent, a person. What it gives depends on the seed, its name, and the
 * moment of asking alone. So leaving out an event changes nothing that has not to do with it, and what is left of a
 * failing run still fails: that is how it can be shrunk.
 */
export class Chance {
  readonly #seed: number;
  readonly #now: () => number;
  #moment = NaN;
  #drawn = 0;

  /** @param now without it: a plain sequence */
  constructor(seed: number, name: string, now: () => number = () => 0) {
    let hash = mix(seed, 0x9e3779b9);
    for (const char of name) hash = mix(hash, char.codePointAt(0)!);
    this.#seed = hash;
    this.#now = now;
  }

  /** In [0, 1). */
  readonly next = (): number => {
    const now = this.#now();
    if (now !== this.#moment) {
      this.#moment = now;
      this.#drawn = 0;
    }
    const micros = Math.round(now * 1000);
    const low = mix(this.#seed, micros % 0x100000000);
    return mix(mix(low, Math.floor(micros / 0x100000000)), this.#drawn++) / 0x100000000;
  };

  /** A whole number from `least` to under `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** Whether something happens that does so with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** Milliseconds until the next of things that come by themselves, `meanMs` apart on average. */
  wait(meanMs: number): number {
    return Math.ceil(-Math.log(1 - this.next()) * meanMs);
  }
}

/** A number of 32 bits from two (the finaliser of MurmurHash3). */
function mix(one: number, other: number): number {
  let hash = Math.imul(one ^ Math.imul(other, 0xcc9e2d51), 0x1b873593) + 0x6d2b79f5;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
