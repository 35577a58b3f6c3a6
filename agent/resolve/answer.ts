/** A secret as Safe stores it, seen through what synchronising needs. Instants are nanoseconds since the Unix epoch. */
export interface StoredSecret {
  /** Without the prefix `raw:`; may hold dots, spaces, newlines, or be empty. */
  readonly name: string;
  readonly value: string;
  readonly valueTransformed: string;
  readonly template: string;
  /** `json`, `yaml` or empty, as registered. */
  readonly format: string;
  /** Namespaces it is granted to, as registered; `*` grants it to all. */
  readonly namespaces: readonly string[];
  /** RFC 3339 with up to nine fraction digits, as Safe printed it. */
  readonly updated: string;
  readonly updatedAt: bigint;
  readonly notBefore: bigint;
  readonly expiresAfter: bigint;
}

/**
 * What Safe answered: all its secrets by name, or one bare value of which neither name nor grants are
 * known (Safe answers so while it holds a single `raw:` secret).
 */
export type Answer =
  | { readonly kind: 'named'; readonly secrets: ReadonlyMap<string, StoredSecret> }
  | {
      readonly kind: 'unnamed';
      readonly value: string;
      /** It looks like a list of secrets, and nothing proves that it is Safe's. */
      readonly unproven?: boolean;
    };

/** An answer and when it was had, Unix milliseconds. */
export interface Fetched {
  readonly answer: Answer;
  /** When its request was sent: whatever was registered before is in it. */
  readonly begunAt: number;
  readonly endedAt: number;
  /** Size of the response body. */
  readonly bytes: number;
}
