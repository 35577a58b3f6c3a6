import type { Ref } from '../api/ref.ts';
import type { StoredSecret } from './answer.ts';
import { contentOf, documentOf, wholeText, type BareAnswer } from './document.ts';
import type { VisibleSecrets } from './grants.ts';
import { followJsonPath } from './json-path.ts';
import { isList, isObject, type Node } from './node.ts';

/** Something that a ref leads to; without a secret if Safe's answer was unnamed. */
export interface Match {
  readonly secret: StoredSecret | undefined;
  readonly node: Node;
}

/** Where a ref leads. More than one match is ambiguous; there may be more than are listed. */
export interface Lookup {
  readonly matches: readonly Match[];
  /** The names among the visible secrets that fit the ref. */
  readonly fits: readonly string[];
  /** What kept the search from going on, among the secrets that fit. */
  readonly obstacle: 'text' | 'unreadable' | undefined;
}

/**
 * What a ref is for: a value, where a secret's name alone means its text as Safe serves it; the members of an
 * object, where it means the object in it; or metadata, where the last two names must be a member `labels` or
 * `annotations` and a member of that.
 */
export type Reach = 'value' | 'members' | 'metadata';

/** A ref of many dots over names of many dots has no end of readings; beyond this many it counts as ambiguous. */
const MAX_READINGS = 20_000;

/** Follows a ref through the secrets of a named answer. */
export function lookUp(ref: Ref, secrets: VisibleSecrets, reach: Reach): Lookup {
  const search = new Search();
  if (ref.kind === 'jsonpath') {
    search.secret(secrets.get(ref.secret), ref.whole && reach, (root) =>
      followJsonPath(ref, root, ref.secret),
    );
    return search;
  }
  const walk = new DottedWalk(ref.text, reach);
  for (const count of walk.namesOfSecret()) {
    const secret = secrets.get(walk.name(0, count));
    search.secret(secret, count === walk.length && reach, (root) => walk.from(root, count));
  }
  return search;
}

/** Follows a ref from the root of an unnamed answer. */
export function lookUpFromRoot(ref: Ref, answer: BareAnswer, reach: Reach): Lookup {
  const search = new Search();
  search.within(answer, (root) =>
    ref.kind === 'jsonpath' ? followJsonPath(ref, root) : new DottedWalk(ref.text, reach).from(root, 0),
  );
  return search;
}

class Search implements Lookup {
  readonly matches: Match[] = [];
  readonly fits: string[] = [];
  obstacle: Lookup['obstacle'];

  /** `whole`: the ref ends with the name of the secret, and what it is for. */
  secret(
    secret: StoredSecret | undefined,
    whole: Reach | false,
    find: (root: Node) => readonly Node[],
  ): void {
    if (secret === undefined) return;
    this.fits.push(secret.name);
    if (whole === 'value') this.matches.push({ secret, node: wholeText(secret) });
    else if (whole === 'members' && documentOf(secret).kind === 'text')
      this.matches.push({ secret, node: contentOf(secret) });
    else this.within(secret, find);
  }

  within(source: StoredSecret | BareAnswer, find: (root: Node) => readonly Node[]): void {
    const document = documentOf(source);
    const secret = 'kind' in source ? undefined : source;
    if (document.kind === 'tree')
      this.matches.push(
        ...find(document.root)
          .slice(0, 2)
          .map((node) => ({ secret, node })),
      );
    else if (this.obstacle !== 'unreadable') this.obstacle = document.kind;
  }
}

const INDEX = /^(0|[1-9][0-9]{0,8})$/;

/** Readings of a dotted ref. Names may hold dots, so at each object every number of parts is tried as one name. */
class DottedWalk {
  readonly length: number;
  readonly #text: string;
  /** Where each part ends. */
  readonly #ends: number[];
  /** How many parts may be read as freely as that. */
  readonly #free: number;
  #readings = 0;

  constructor(text: string, reach: Reach) {
    this.#text = text;
    this.#ends = [...text.matchAll(/[.]/g)].map((dot) => dot.index);
    this.#ends.push(text.length);
    this.length = this.#ends.length;
    this.#free = reach === 'metadata' ? this.length - 2 : this.length;
  }

  /** The numbers of parts that the name of the secret may have. */
  *namesOfSecret(): Iterable<number> {
    for (let count = 1; count <= this.#free; count++) yield count;
  }

  /** Parts `from` up to, not including, `to` as one name. */
  name(from: number, to: number): string {
    return this.#text.slice(from === 0 ? 0 : this.#ends[from - 1]! + 1, this.#ends[to - 1]);
  }

  /** At most two of the nodes that the parts from `at` on lead to. */
  from(node: Node, at: number): Node[] {
    if (at === this.length) return [node];
    if (isList(node)) {
      const part = this.name(at, at + 1);
      const item = at < this.#free && INDEX.test(part) ? node[Number(part)] : undefined;
      return item === undefined ? [] : this.from(item, at + 1);
    }
    if (!isObject(node)) return [];
    const found: Node[] = [];
    const last = Math.max(this.#free, at + 1);
    for (let to = at + 1; to <= last && found.length < 2; to++) {
      if (++this.#readings > MAX_READINGS) return [node, node];
      const member = node.get(this.name(at, to));
      if (member !== undefined) found.push(...this.from(member, to));
    }
    return found;
  }
}
