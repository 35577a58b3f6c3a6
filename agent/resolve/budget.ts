import { Failure, type Code } from '../api/reasons.ts';

interface Limit {
  readonly most: number;
  readonly code: Code;
  /** What the message says after the place that it is about. */
  readonly problem: string;
}

/**
 * What resolving one resource once may take, whoever wrote the resource and the secrets. Each limit is far above
 * what anybody was seen to need, and all of them together stay below 50 ms and some MiB.
 */
export const LIMITS = {
  /** Names tried and items passed. One document makes at most as many per ref as it has nodes (MAX_NODES). */
  steps: {
    most: 200_000,
    code: 'LimitExceeded',
    problem:
      'to follow the refs up to here takes more than 200,000 steps: use fewer and shorter refs, or smaller secrets',
  },
  /** Five documents of the largest size: members and items of all the secrets that are looked into. */
  nodes: {
    most: 100_000,
    code: 'LimitExceeded',
    problem:
      'the secrets that the refs up to here look into have more than 100,000 members and items together: spread the refs over several VSecMSecrets',
  },
  /** Texts before they are decoded: what fills a Secret in base64 takes 1.4 MiB, with its line breaks 1.5. */
  characters: {
    most: 4 * 1024 * 1024,
    code: 'LimitExceeded',
    problem:
      'the texts that the refs up to here lead to have more than 4,194,304 characters together: spread the refs over several VSecMSecrets',
  },
  /** The API server's limit for the values of a Secret together. */
  bytes: {
    most: 1024 * 1024,
    code: 'SecretTooLarge',
    problem: 'with this value the values of the Secret together exceed 1 MiB',
  },
  /** With the values, and once more in managedFields, the keys must fit into etcd's 1.5 MiB. */
  keys: {
    most: 128 * 1024,
    code: 'SecretTooLarge',
    problem: 'with this the keys of the Secret together exceed 128 KiB, counting 16 bytes more for each',
  },
} as const satisfies Record<string, Limit>;

/** What a look has taken so far. Equal refs are followed once, and what they lead to counts wherever it is written. */
export class Budget {
  readonly #spent: Record<keyof typeof LIMITS, number> = {
    steps: 0,
    nodes: 0,
    characters: 0,
    bytes: 0,
    keys: 0,
  };

  /**
   * Takes from the budget before the work is done.
   * @param where begins the message: a path in the resource
   * @throws Failure `LimitExceeded` or `SecretTooLarge`
   */
  take(what: keyof typeof LIMITS, amount: number, where: string): void {
    const { most, code, problem } = LIMITS[what];
    this.#spent[what] += amount;
    if (this.#spent[what] > most) throw new Failure(code, `${where}: ${problem}`);
  }

  /** How much is left. */
  left(what: keyof typeof LIMITS): number {
    return LIMITS[what].most - this.#spent[what];
  }
}
