import type { SecretMeta } from '../api/secret-meta.ts';

/** Milliseconds of the clock that never goes back. */
export type At = number;

/**
 * A Secret as it is known, and how. `at` is when that was learned: for what was looked up, when the look-up was begun.
 * `wasThere`: it stood there once in this term, so its absence is a loss.
 */
export type Known = (
  | { readonly how: 'unknown' }
  /** A write found that it is not as it was known. */
  | { readonly how: 'doubted' }
  /** The watch shows it. */
  | { readonly how: 'shown'; readonly meta: SecretMeta; readonly at: At }
  /** It was looked up, or a write was answered with it, and the watch has not shown that version. */
  | { readonly how: 'lookedUp'; readonly meta: SecretMeta; readonly at: At }
  /** The watch shows it no more: deleted, or without the label that the watch selects by. */
  | { readonly how: 'gone'; readonly at: At }
  /** It was looked up and was not there. */
  | { readonly how: 'absent'; readonly at: At }
) & {
  readonly wasThere: boolean;
  /** When a version was first seen that an agent other than this process may have written, and that we did not write over. */
  readonly agentWroteAt: At | undefined;
};
