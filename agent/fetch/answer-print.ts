import { fingerprint } from '../fingerprint.ts';
import type { Answer, StoredSecret } from '../resolve/answer.ts';

function* partsOf(secret: StoredSecret): Iterable<string> {
  yield secret.value;
  yield secret.valueTransformed;
  yield secret.template;
  yield secret.format;
  yield secret.namespaces.join('\n');
  yield String(secret.notBefore);
  yield String(secret.expiresAfter);
  yield secret.updated;
}

/** What an answer looked like: enough to tell what the next one changes, without keeping a value. */
export class AnswerPrint {
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #unnamed: string | undefined;

  constructor(answer: Answer) {
    const secrets = answer.kind === 'named' ? [...answer.secrets.values()] : [];
    this.#secrets = new Map(secrets.map((secret) => [secret.name, fingerprint(partsOf(secret))]));
    this.#unnamed = answer.kind === 'unnamed' ? fingerprint([answer.value]) : undefined;
  }

  get secrets(): number {
    return this.#secrets.size;
  }

  get named(): boolean {
    return this.#unnamed === undefined;
  }

  /** Names of secrets that were added, removed or changed since `before`; `all` where names do not tell. */
  changedSince(before: AnswerPrint | undefined): ReadonlySet<string> | 'all' {
    if (!before || before.#unnamed !== this.#unnamed) return 'all';
    const changed = new Set<string>();
    for (const [name, print] of this.#secrets) if (before.#secrets.get(name) !== print) changed.add(name);
    for (const name of before.#secrets.keys()) if (!this.#secrets.has(name)) changed.add(name);
    return changed;
  }
}
