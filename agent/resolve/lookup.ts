import type { Ref } from '../api/ref.ts';
import type { StoredSecret } from './answer.ts';
import type { Budget } from './budget.ts';
import { contentOf, documentOf, wholeText, type BareAnswer, type Document } from './document.ts';
import { DottedWalk } from './dotted-walk.ts';
import type { VisibleSecrets } from './grants.ts';
import type { InPieces } from './in-pieces.ts';
import { followJsonPath } from './json-path.ts';
import type { Node } from './node.ts';

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
  readonly obstacle: Exclude<Document['kind'], 'tree'> | undefined;
}

/**
 * What a ref is for: a value, where a secret's name alone means its text as Safe serves it; the members of an
 * object, where it means the object in it; or metadata, where the last two names must be a member `labels` or
 * `annotations` and a member of that.
 */
export type Reach = 'value' | 'members' | 'metadata';

/** Of two obstacles the one that tells more. */
const OBSTACLES = ['text', 'unreadable', 'large'] as const;

/** Follows one ref, at the expense of a budget. Pauses after each document. */
export class Search implements Lookup {
  readonly matches: Match[] = [];
  readonly fits: string[] = [];
  obstacle: Lookup['obstacle'];
  readonly #ref: Ref;
  readonly #reach: Reach;
  readonly #budget: Budget;
  readonly #where: string;
  readonly #looked: Set<Document>;

  /**
   * @param where begins the message if the budget does not suffice
   * @param looked documents that the budget has paid for
   */
  constructor(ref: Ref, reach: Reach, budget: Budget, where: string, looked: Set<Document>) {
    this.#ref = ref;
    this.#reach = reach;
    this.#budget = budget;
    this.#where = where;
    this.#looked = looked;
  }

  /** Through the secrets of a named answer. */
  *among(secrets: VisibleSecrets): InPieces<Lookup> {
    const ref = this.#ref;
    if (ref.kind === 'jsonpath') {
      yield* this.#secret(secrets.get(ref.secret), ref.whole, (root) => this.#path(ref.text, root, true));
      return this;
    }
    const walk = this.#walk(ref.text);
    for (let count = 1; count <= walk.free; count++) {
      const secret = secrets.get(walk.name(0, count));
      yield* this.#secret(secret, count === walk.length, (root) => walk.from(root, count));
    }
    return this;
  }

  /** From the root of an unnamed answer. */
  *within(answer: BareAnswer): InPieces<Lookup> {
    const { kind, text } = this.#ref;
    yield* this.#look(answer, (root) =>
      kind === 'jsonpath' ? this.#path(text, root, false) : this.#walk(text).from(root, 0),
    );
    return this;
  }

  /** `ends`: nothing follows the name of the secret. */
  *#secret(
    secret: StoredSecret | undefined,
    ends: boolean,
    find: (root: Node) => readonly Node[],
  ): InPieces<void> {
    if (secret === undefined) return;
    this.fits.push(secret.name);
    if (ends && this.#reach === 'value') this.matches.push({ secret, node: wholeText(secret) });
    else if (ends && this.#reach === 'members' && documentOf(secret).kind === 'text')
      this.matches.push({ secret, node: contentOf(secret) });
    else yield* this.#look(secret, find);
  }

  *#look(source: StoredSecret | BareAnswer, find: (root: Node) => readonly Node[]): InPieces<void> {
    const document = documentOf(source);
    yield;
    const secret = 'kind' in source ? undefined : source;
    if (document.kind !== 'tree') {
      if (OBSTACLES.indexOf(document.kind) > OBSTACLES.indexOf(this.obstacle ?? 'text'))
        this.obstacle = document.kind;
      this.obstacle ??= document.kind;
      return;
    }
    if (!this.#looked.has(document)) this.#budget.take('nodes', document.nodes, this.#where);
    this.#looked.add(document);
    for (const node of find(document.root).slice(0, 2)) this.matches.push({ secret, node });
  }

  #walk(text: string): DottedWalk {
    return new DottedWalk(text, this.#reach === 'metadata' ? 2 : 0, (steps) => this.#take(steps));
  }

  #path(text: string, root: Node, named: boolean): readonly Node[] {
    return followJsonPath(text, root, named, (steps) => this.#take(steps));
  }

  #take(steps: number): void {
    this.#budget.take('steps', steps, this.#where);
  }
}
