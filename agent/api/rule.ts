/**
 * What a text of the spec must satisfy. The CRD states each rule again in CEL, under the same message, so
 * that `kubectl apply` refuses with the very sentence that the agent would write into the status.
 */
export interface Rule {
  /** Follows the name of the field: what is wanted, and what to do. */
  readonly message: string;
  readonly holds: (text: string) => boolean;
}

/** The message of the first rule that a text breaks. */
export const firstBroken = (rules: readonly Rule[], text: string): string | undefined =>
  rules.find((rule) => !rule.holds(text))?.message;
