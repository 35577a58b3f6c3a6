import { isLabelValue } from '../api/syntax.ts';
import { encode, refuseValue } from './value.ts';

/** What a Secret shall hold, and the secrets in Safe that it was made from. */
export interface Desired {
  readonly data: ReadonlyMap<string, Uint8Array>;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** Names of the secrets used, in the order of their first use; empty if the answer was unnamed. */
  readonly used: readonly string[];
  /** Those of `used` that the namespace has no grant for, if such use is to be warned of; never shown to the tenant. */
  readonly notGranted: readonly string[];
  /** The latest `updated` among the secrets used, as Safe printed it; empty if the answer was unnamed. */
  readonly sourceUpdated: string;
  /** When the first of them expires, Unix milliseconds. */
  readonly wakeAt?: number;
}

/** The API server's limit for keys and values of all annotations together. */
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** Throws `ValueInvalid` for texts that Kubernetes does not take as labels or annotations. */
export function checkMetadata(texts: ReadonlyMap<string, string>, list: 'labels' | 'annotations'): void {
  let total = 0;
  for (const [index, [key, text]] of [...texts].entries()) {
    const where = `spec.${list}[${index}]`;
    if (list === 'labels' && !isLabelValue(text)) {
      refuseValue(
        where,
        key,
        'a label takes at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit',
      );
    }
    // UTF-8 has at least as many bytes as UTF-16 has units.
    if (total + text.length <= MAX_ANNOTATION_BYTES) total += key.length + encode(text, where, key).length;
    else total = Infinity;
    if (total > MAX_ANNOTATION_BYTES) refuseValue(where, key, 'the annotations together exceed 256 KiB');
  }
}
