import { shortened } from '../api/printable.ts';
import { Failure, type Code } from '../api/reasons.ts';
import { likelySecret, type Ref } from '../api/ref.ts';
import type { Answer, StoredSecret } from './answer.ts';
import type { Budget } from './budget.ts';
import type { Desired } from './desired.ts';
import type { Document } from './document.ts';
import { isGranted, VisibleSecrets, type Grants, type GrantScope } from './grants.ts';
import type { InPieces } from './in-pieces.ts';
import { Search, type Lookup, type Reach } from './lookup.ts';
import { isList, isObject, textWithin, type Node } from './node.ts';
import { checkValidity } from './validity.ts';

/** What refs are resolved against. */
export interface Resolution {
  readonly answer: Answer;
  /** The namespace of the resource. */
  readonly namespace: string;
  readonly grants: Grants;
  readonly scope: GrantScope;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Characters of a ref that a message shows: where it stands is told besides. */
export const MAX_SHOWN = 160;

/** Throws a failure whose message begins with the ref that it is about. */
export type Fail = (code: Code, problem: string) => never;

/** Finds what the refs of one resource lead to, equal ones once, and keeps account of the secrets that are used. */
export class Resolver {
  readonly #resolution: Resolution;
  readonly #budget: Budget;
  readonly #search: (search: Search) => InPieces<Lookup>;
  readonly #found = new Map<string, Lookup>();
  readonly #texts = new Map<Node, string>();
  readonly #looked = new Set<Document>();
  readonly #used = new Map<string, StoredSecret>();
  #wakeAt: number | undefined;

  constructor(resolution: Resolution, budget: Budget) {
    this.#resolution = resolution;
    this.#budget = budget;
    const { answer, grants } = resolution;
    if (answer.kind === 'named') {
      const visible = new VisibleSecrets(answer.secrets, resolution);
      this.#search = (search) => search.among(visible);
    } else {
      if (grants === 'enforce') {
        throw answer.unproven
          ? new Failure('UnprovenAnswer', 'nothing proves that this list of secrets comes from Safe itself')
          : new Failure(
              'UnnamedSecret',
              'Safe answered with a bare value: neither the name nor the namespaces of the secret are known',
            );
      }
      this.#search = (search) => search.within(answer);
    }
  }

  /** The text that a ref leads to. `path` is where the ref stands in the resource. */
  *text(ref: Ref, path: string, reach: 'value' | 'metadata'): InPieces<string> {
    const { node } = yield* this.#one(ref, path, reach);
    return this.textOf(node, path);
  }

  /** What a ref leads to. */
  *node(ref: Ref, path: string, reach: 'value' | 'members'): InPieces<Node> {
    return (yield* this.#one(ref, path, reach)).node;
  }

  /** The text of a node, made once. `path` begins the message if the budget does not suffice. */
  textOf(node: Node, path: string): string {
    const known = this.#texts.get(node);
    if (known !== undefined) return known;
    const text = textWithin(node, this.#budget.left('characters'));
    this.#budget.take('characters', text?.length ?? Infinity, path);
    if (isList(node) || isObject(node)) this.#texts.set(node, text!);
    return text!;
  }

  /** The members of the object that a ref leads to, and what throws a failure that begins with the ref. */
  *members(
    ref: Ref,
    path: string,
  ): InPieces<{ readonly members: ReadonlyMap<string, Node>; readonly fail: Fail }> {
    const { node, fail } = yield* this.#one(ref, path, 'members');
    if (isObject(node)) return { members: node, fail };
    const kind = isList(node) ? 'a list' : 'a single value';
    return fail('RefInvalid', `an object is needed here, whose members become keys, and there is ${kind}`);
  }

  /** Where the content came from. */
  sources(): Pick<Desired, 'used' | 'notGranted' | 'sourceUpdated' | 'wakeAt'> {
    const secrets = [...this.#used.values()];
    const { namespace, grants, scope } = this.#resolution;
    const latest = secrets.reduce<StoredSecret | undefined>(
      (a, b) => (a === undefined || b.updatedAt > a.updatedAt ? b : a),
      undefined,
    );
    return {
      used: secrets.map((secret) => secret.name),
      notGranted:
        grants === 'warn'
          ? secrets.filter((secret) => !isGranted(secret, namespace, scope)).map((secret) => secret.name)
          : [],
      sourceUpdated: latest?.updated ?? '',
      ...(this.#wakeAt === undefined ? {} : { wakeAt: this.#wakeAt }),
    };
  }

  *#one(ref: Ref, path: string, reach: Reach): InPieces<{ readonly node: Node; readonly fail: Fail }> {
    const what = `${path} (${shortened(ref.text, MAX_SHOWN)})`;
    const lookup = yield* this.#lookUp(ref, what, reach);
    const secret = lookup.fits.length === 1 ? lookup.fits[0]! : likelySecret(ref);
    const fail: Fail = (code, problem) => {
      throw new Failure(code, `${what}: ${problem}`, { context: { secret } });
    };
    const [match, second] = lookup.matches;
    if (match === undefined) return this.#explain(lookup, fail);
    if (second !== undefined) fail('RefAmbiguous', 'the ref leads to more than one value');
    if (match.secret !== undefined) this.#use(match.secret, what);
    if (match.node === null) fail('RefIsNull', 'the value there is null');
    return { node: match.node, fail };
  }

  *#lookUp(ref: Ref, what: string, reach: Reach): InPieces<Lookup> {
    const id = `${reach} ${ref.text}`;
    const known = this.#found.get(id);
    if (known !== undefined) return known;
    const lookup = yield* this.#search(new Search(ref, reach, this.#budget, what, this.#looked));
    this.#found.set(id, lookup);
    return lookup;
  }

  #use(secret: StoredSecret, what: string): void {
    if (this.#used.has(secret.name)) return;
    const until = checkValidity(secret, this.#resolution.now, what);
    this.#used.set(secret.name, secret);
    if (until !== undefined) this.#wakeAt = Math.min(until, this.#wakeAt ?? until);
  }

  #explain(lookup: Lookup, fail: Fail): never {
    const named = this.#resolution.answer.kind === 'named';
    if (named && lookup.fits.length === 0) {
      fail(
        'NotGranted',
        `no secret that is granted to namespace ${this.#resolution.namespace} has a name that fits`,
      );
    }
    const subject = named ? 'the secret is granted, but' : 'Safe answered with a bare value, which';
    switch (lookup.obstacle) {
      case 'large':
        return fail(
          'LimitExceeded',
          `${subject} is too large to be looked into: more than 20,000 members and items, or more than 2 MiB, of YAML 64 KiB`,
        );
      case 'unreadable':
        return fail(
          'RefInvalid',
          `${subject} cannot be looked into: nested more than 64 levels deep, or not the YAML that its format says (without aliases)`,
        );
      case 'text':
        return fail(
          'RefNotFound',
          `${subject} is text, neither JSON nor (by its format) YAML, so no path leads into it`,
        );
      case undefined:
        return fail('RefNotFound', `${subject} holds nothing at this path`);
    }
  }
}
