import { Failure, type Code } from '../api/reasons.ts';
import { likelySecret } from '../api/ref.ts';
import type { Entry, Spec } from '../api/vsecmsecret.ts';
import type { Answer, StoredSecret } from './answer.ts';
import { checkMetadata, checkSize, bytesOf } from './desired.ts';
import type { Desired } from './desired.ts';
import { isGranted, VisibleSecrets, type Grants } from './grants.ts';
import { lookUp, lookUpFromRoot, type Lookup, type Reach } from './lookup.ts';
import { textOf } from './node.ts';
import { checkValidity } from './validity.ts';

/** What refs are resolved against. */
export interface Resolution {
  readonly answer: Answer;
  /** The namespace of the resource. */
  readonly namespace: string;
  readonly grants: Grants;
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * The content that a spec asks for, whole or not at all: throws a Failure of stage resolve (or
 * `SecretTooLarge`) for the first ref that cannot be served. Depends on nothing but the secrets that the
 * namespace can see, and no message holds anything but names that the resource's author wrote.
 */
export function resolve(spec: Spec, resolution: Resolution): Desired {
  const resolver = new Resolver(resolution);
  const data = new Map(
    spec.data.map((entry, index) => {
      const where = `spec.data[${index}]`;
      return [entry.key, bytesOf(resolver.text(entry, `${where}.ref`, 'any'), where, entry.key)];
    }),
  );
  checkSize(data);
  const labels = resolver.metadata(spec.labels, 'labels');
  const annotations = resolver.metadata(spec.annotations, 'annotations');
  return { data, labels, annotations, ...resolver.sources() };
}

class Resolver {
  readonly #resolution: Resolution;
  readonly #find: (entry: Entry, reach: Reach) => Lookup;
  readonly #used = new Map<string, StoredSecret>();
  #wakeAt: number | undefined;

  constructor(resolution: Resolution) {
    this.#resolution = resolution;
    const { answer, namespace, grants } = resolution;
    if (answer.kind === 'named') {
      const visible = new VisibleSecrets(answer.secrets, namespace, grants);
      this.#find = ({ ref }, reach) => lookUp(ref, visible, reach);
    } else {
      if (grants === 'enforce') {
        throw new Failure(
          'UnnamedSecret',
          'Safe answered with a bare value: neither the name nor the namespaces of the secret are known',
        );
      }
      this.#find = ({ ref }, reach) => lookUpFromRoot(ref, answer, reach);
    }
  }

  metadata(entries: readonly Entry[], list: 'labels' | 'annotations'): Map<string, string> {
    const texts = new Map(
      entries.map((entry, index) => [entry.key, this.text(entry, `spec.${list}[${index}].ref`, 'metadata')]),
    );
    checkMetadata(texts, list);
    return texts;
  }

  /** The text that the ref of an entry leads to. `path` is where the ref stands in the resource. */
  text(entry: Entry, path: string, reach: Reach): string {
    const what = `${path} (${entry.ref.text})`;
    const lookup = this.#find(entry, reach);
    const [match, second] = lookup.matches;
    const fail = (code: Code, problem: string): never => {
      const secret = lookup.fits.length === 1 ? lookup.fits[0]! : likelySecret(entry.ref);
      throw new Failure(code, `${what}: ${problem}`, { context: { secret } });
    };
    if (match === undefined) return this.#explain(lookup, fail);
    if (second !== undefined) fail('RefAmbiguous', 'the ref leads to more than one value');
    if (match.secret !== undefined) this.#use(match.secret, what);
    return match.node === null ? fail('RefIsNull', 'the value there is null') : textOf(match.node);
  }

  /** Where the content came from. */
  sources(): Pick<Desired, 'used' | 'notGranted' | 'sourceUpdated' | 'wakeAt'> {
    const secrets = [...this.#used.values()];
    const { namespace, grants } = this.#resolution;
    const latest = secrets.reduce<StoredSecret | undefined>(
      (a, b) => (a === undefined || b.updatedAt > a.updatedAt ? b : a),
      undefined,
    );
    return {
      used: secrets.map((secret) => secret.name),
      notGranted:
        grants === 'warn'
          ? secrets.filter((secret) => !isGranted(secret, namespace)).map((secret) => secret.name)
          : [],
      sourceUpdated: latest?.updated ?? '',
      ...(this.#wakeAt === undefined ? {} : { wakeAt: this.#wakeAt }),
    };
  }

  #use(secret: StoredSecret, what: string): void {
    if (this.#used.has(secret.name)) return;
    const until = checkValidity(secret, this.#resolution.now, what);
    this.#used.set(secret.name, secret);
    if (until !== undefined) this.#wakeAt = Math.min(until, this.#wakeAt ?? until);
  }

  #explain(lookup: Lookup, fail: (code: Code, problem: string) => never): never {
    const named = this.#resolution.answer.kind === 'named';
    if (named && lookup.fits.length === 0) {
      fail(
        'NotGranted',
        `no secret that is granted to namespace ${this.#resolution.namespace} has a name that fits`,
      );
    }
    const subject = named ? 'the secret is granted, but' : 'Safe answered with a bare value, which';
    switch (lookup.obstacle) {
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
