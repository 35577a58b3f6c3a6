import type { Entry } from '../api/entry.ts';
import { Failure, type RefFailure } from '../api/reasons.ts';
import { shortened } from '../api/printable.ts';
import type { Spec } from '../api/vsecmsecret.ts';
import { Budget } from './budget.ts';
import { DataBuilder } from './data-builder.ts';
import { checkMetadata, type Desired } from './desired.ts';
import { granteeOf } from './grants.ts';
import type { InPieces } from './in-pieces.ts';
import { MAX_SHOWN, Resolver, type Resolution } from './resolver.ts';
import { TemplateValues } from './template-values.ts';
import { checkType } from './typed-secret.ts';

/** How many refs that fail are told: who mends so many looks again. */
const MAX_TOLD = 20;

/**
 * The content that a spec asks for, whole or not at all. Depends on nothing but the secrets that the namespace can
 * see. The pieces take some milliseconds each, all together at most what LIMITS say.
 * @throws Failure of stage resolve, or `SecretTooLarge`: that of the first ref that cannot be served, with a list of
 * the others. Messages hold names alone, and only those that the resource's author wrote: what members are called
 * may be a secret too.
 */
export function* resolve(spec: Spec, resolution: Resolution): InPieces<Desired> {
  const { namespace, scope } = resolution;
  try {
    return yield* contentOf(spec, resolution);
  } catch (error) {
    if (!(error instanceof Failure) || !scope.qualified) throw error;
    // What is to be registered is to be registered there, for this cluster's namespace.
    throw error.within({ grantee: granteeOf(namespace, scope), elsewhere: true });
  }
}

function* contentOf(spec: Spec, resolution: Resolution): InPieces<Desired> {
  const budget = new Budget();
  const resolver = new Resolver(resolution, budget);
  const values = new TemplateValues(resolver, budget);
  const data = new DataBuilder(resolver, budget, values);
  const failures = new Failures();
  for (const [index, value] of spec.values.entries()) {
    const where = `spec.values[${index}].ref`;
    yield* failures.of(where, value.ref.text, values.add(value, where));
  }
  // While a value is missing nothing can be said of templates.
  const renders = !failures.some;
  for (const [index, entry] of spec.data.entries()) {
    const { ref } = entry;
    if (ref === undefined && !renders) continue;
    const where = `spec.data[${index}].${ref === undefined ? 'template' : 'ref'}`;
    yield* failures.of(where, ref?.text ?? '', data.add(entry, index));
  }
  for (const [index, { ref }] of spec.dataFrom.entries())
    yield* failures.of(`spec.dataFrom[${index}].ref`, ref.text, data.addMembers(ref, index));
  const metadata = { labels: new Map<string, string>(), annotations: new Map<string, string>() };
  for (const list of ['labels', 'annotations'] as const) {
    const entries: readonly Entry[] = spec[list];
    for (const [index, { key, ref }] of entries.entries()) {
      const where = `spec.${list}[${index}].ref`;
      const text = yield* failures.of(where, ref.text, resolver.text(ref, where, 'metadata'));
      if (text !== undefined) metadata[list].set(key, text);
    }
  }
  failures.throw();
  checkType(spec.target.type, data.values);
  checkMetadata(metadata.labels, 'labels');
  checkMetadata(metadata.annotations, 'annotations');
  return { data: data.values, ...metadata, ...resolver.sources() };
}

/** The refs and templates that fail. A limit that is reached ends all, since nothing more can be done within it. */
class Failures {
  #first: Failure | undefined;
  readonly #refs: RefFailure[] = [];

  get some(): boolean {
    return this.#first !== undefined;
  }

  /** `undefined` if it fails. `ref`: empty for a template. */
  *of<Result>(where: string, ref: string, work: InPieces<Result>): InPieces<Result | undefined> {
    try {
      return yield* work;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#first ??= error;
      this.#refs.push({ where, ref: shortened(ref, MAX_SHOWN), code: error.code });
      const limit = error.code === 'LimitExceeded' || error.code === 'SecretTooLarge';
      if (limit || this.#refs.length === MAX_TOLD) this.throw();
      return undefined;
    }
  }

  throw(): void {
    if (this.#first === undefined) return;
    const { code, message, context, wakeAt } = this.#first;
    throw new Failure(code, message, {
      context,
      refs: this.#refs,
      ...(wakeAt !== undefined && { wakeAt }),
    });
  }
}
