import { KubeError } from './error.ts';

/**
 * How an attempt to follow a collection ended:
 * - `ended`: the server ended a watch that worked, as it does after `timeoutSeconds` and when a CRD changes
 * - `unstreamed`: it does not stream the whole state, or not to its end
 * - `gone`: the history to resume from is no longer there
 * - `rewound`: its versions are older than they were, so etcd was restored
 * - `silent`: a watch without a word for too long
 * - `unreadable`: something came that is no event, and would come again
 * - `failed`: anything else
 */
export type Outcome =
  | { readonly is: 'ended' | 'rewound' }
  | { readonly is: 'unstreamed'; readonly cause: string }
  | { readonly is: 'gone' | 'silent' | 'unreadable' | 'failed'; readonly error: KubeError };

/** Ends an attempt from where it is. */
export class Ending extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.is);
    this.outcome = outcome;
  }
}

/** @param streaming while the whole state was to stream in */
export function outcomeOf(thrown: unknown, streaming: boolean): Outcome {
  if (thrown instanceof Ending) return thrown.outcome;
  const error = KubeError.fromThrown(thrown);
  const { status, code } = error;
  // Servers before 1.27 refuse the parameters; later ones may have the feature switched off.
  if (streaming && (status === 400 || status === 422))
    return { is: 'unstreamed', cause: error.reason || String(status) };
  const unreadable = code === 'Malformed' || code === 'TooLarge';
  if (streaming && (unreadable || code === 'Silent')) return { is: 'unstreamed', cause: code };
  if (status === 410 || error.hasCause('ResourceVersionTooLarge')) return { is: 'gone', error };
  if (code === 'Silent') return { is: 'silent', error };
  return { is: unreadable ? 'unreadable' : 'failed', error };
}
