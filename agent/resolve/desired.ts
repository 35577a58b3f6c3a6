import { Failure } from '../api/reasons.ts';
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

/** The API server's limit for the values of a Secret together. */
const MAX_DATA_BYTES = 1024 * 1024;
/** For the keys together: with the values, and once more in managedFields, they must fit into etcd's 1.5 MiB. */
const MAX_KEY_BYTES = 128 * 1024;
/** What a key costs besides its characters. */
const KEY_OVERHEAD = 16;
/** The API server's limit for keys and values of all annotations together. */
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** Throws `SecretTooLarge` if the API server would refuse the values for their size. */
export function checkSize(data: ReadonlyMap<string, Uint8Array>): void {
  const largest = { key: '', bytes: -1 };
  let total = 0;
  let keys = 0;
  for (const [key, { length }] of data) {
    total += length;
    keys += key.length + KEY_OVERHEAD;
    if (length > largest.bytes) Object.assign(largest, { key, bytes: length });
  }
  if (total > MAX_DATA_BYTES) {
    throw new Failure(
      'SecretTooLarge',
      `the values of the Secret together exceed 1 MiB; the largest is that of key ${largest.key}`,
    );
  }
  if (keys > MAX_KEY_BYTES)
    throw new Failure('SecretTooLarge', `the Secret would have ${data.size} keys, which are too many for it`);
}

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
    total += key.length + encode(text, where, key).length;
    if (total > MAX_ANNOTATION_BYTES) refuseValue(where, key, 'the annotations together exceed 256 KiB');
  }
}
