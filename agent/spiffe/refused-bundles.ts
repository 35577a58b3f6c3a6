import type { Log } from '../log.ts';
import type { FederatedBundles } from './trust-bundle.ts';

/** Says of each federated bundle that is not used once why. */
export class RefusedBundles {
  readonly #log: Log;
  /** Why, by the key under which it came. */
  #known: ReadonlyMap<string, string> = new Map();

  constructor(log: Log) {
    this.#log = log;
  }

  /** These, and no others, are refused in the message of this moment. */
  tell(refused: FederatedBundles['refused']): void {
    for (const { trustDomain, cause } of refused) {
      if (this.#known.get(trustDomain) !== cause)
        this.#log.warn('federated trust bundle refused', { trustDomain, cause });
    }
    this.#known = new Map(refused.map(({ trustDomain, cause }) => [trustDomain, cause]));
  }
}
