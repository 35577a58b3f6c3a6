import type { DeclaredSafe } from './declared-safe.ts';
import { normaliseSafeUrl } from './url.ts';

/** The Safes of this agent. */
export class Safes {
  /** One for each Safe, the home one first; several URLs may mean the same. */
  readonly all: readonly DeclaredSafe[];
  /** One for each URL. */
  readonly named: readonly DeclaredSafe[];
  readonly #home: DeclaredSafe;
  readonly #byUrl: ReadonlyMap<string, DeclaredSafe>;
  readonly #byDial: ReadonlyMap<string, DeclaredSafe>;

  /** @param declared the home Safe first, which serves resources that name none */
  constructor(declared: readonly [DeclaredSafe, ...DeclaredSafe[]]) {
    this.named = declared;
    this.#home = declared[0];
    this.#byUrl = new Map(declared.map((safe) => [safe.url, safe]));
    // What dials the same differs in nothing but the URL, and is told by the first.
    this.#byDial = new Map(declared.toReversed().map((safe) => [safe.dial, safe]));
    this.all = declared.filter((safe) => this.#byDial.get(safe.dial) === safe);
  }

  /** The Safe of a resource that names this URL, or none; `undefined` if it is no URL or was not declared. */
  resolve(url: string | undefined): DeclaredSafe | undefined {
    if (url === undefined) return this.#home;
    try {
      return this.#byUrl.get(normaliseSafeUrl(url));
    } catch {
      return undefined;
    }
  }

  /** What each may take of a memory of `bytes`, so that none can take another's. */
  shareOf(bytes: number): number {
    return Math.floor(bytes / this.all.length);
  }

  /** The Safe that is asked so. */
  at(dial: string): DeclaredSafe {
    const safe = this.#byDial.get(dial);
    if (safe === undefined) throw new Error('no Safe was declared that is dialled so');
    return safe;
  }
}
