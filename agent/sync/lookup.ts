import type { Ref, Step } from '../api/ref.ts';
import type { StoredSecret } from './answer.ts';
import { documentOf, wholeText, type BareAnswer } from './document.ts';
import type { VisibleSecrets } from './grants.ts';
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

/** Whether a ref's last two names must be a member `labels` or `annotations` and a member of that. */
export type Reach = 'any' | 'metadata';

/** A ref of many dots over names of many dots has no end of readings; beyond this many it counts as ambiguous. */
const MAX_READINGS = 20_000;

/** Follows a ref through the secrets of a named answer. */
export function lookUp(ref: Ref, secrets: VisibleSecrets, reach: Reach): Lookup {
  const search = new Search();
  if (ref.kind === 'jsonpath') {
    search.secret(secrets, ref.secret, ref.steps.length === 0, (root) => follow(root, ref.steps));
    return search;
  }
  const walk = new DottedWalk(ref.text, reach);
  for (const count of walk.namesOfSecret()) {
    search.secret(secrets, walk.name(0, count), count === walk.length, (root) => walk.from(root, count));
  }
  return search;
}

/** Follows a ref from the root of an unnamed answer. */
export function lookUpFromRoot(ref: Ref, answer: BareAnswer, reach: Reach): Lookup {
  const search = new Search();
  search.within(answer, (root) =>
    ref.kind === 'jsonpath'
      ? follow(root, [{ kind: 'name', name: ref.secret }, ...ref.steps])
      : new DottedWalk(ref.text, reach).from(root, 0),
  );
  return search;
}

class Search implements Lookup {
  readonly matches: Match[] = [];
  readonly fits: string[] = [];
  obstacle: Lookup['obstacle'];

  secret(secrets: VisibleSecrets, name: string, whole: boolean, find: (root: Node) => readonly Node[]): void {
    const secret = secrets.get(name);
    if (secret === undefined) return;
    this.fits.push(name);
    if (whole) this.matches.push({ secret, node: wholeText(secret) });
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

/**
 * What a JSONPath of the grammar in `api/ref.ts` leads to. The grammar leaves so little that no library is
 * needed: each step maps nodes to nodes, by own members only.
 */
function follow(root: Node, steps: readonly Step[]): readonly Node[] {
  return steps.reduce<readonly Node[]>((nodes, step) => nodes.flatMap((node) => take(node, step)), [root]);
}

function take(node: Node, step: Step): Node[] {
  switch (step.kind) {
    case 'name':
      return isObject(node) && node.has(step.name) ? [node.get(step.name)!] : [];
    case 'index':
      return isList(node) && step.index < node.length ? [node[step.index]!] : [];
    case 'all':
      return childrenOf(node);
    case 'where':
      return childrenOf(node).filter((child) => isObject(child) && child.get(step.name) === step.equals);
  }
}

const childrenOf = (node: Node): Node[] =>
  isList(node) ? [...node] : isObject(node) ? [...node.values()] : [];

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
