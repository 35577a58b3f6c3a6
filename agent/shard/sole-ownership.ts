import { once } from 'node:events';
import type { Ownership, Summary } from './ownership.ts';

export interface SoleOwnershipOptions {
  node: string;
  /** Namespaces that the caller knows; repetitions do not matter. */
  namespaces: () => Iterable<string>;
}

/** A single agent without a Service: owner of everything, always. */
export class SoleOwnership implements Ownership {
  readonly #options: SoleOwnershipOptions;

  constructor(options: SoleOwnershipOptions) {
    this.#options = options;
  }

  owns(): boolean {
    return true;
  }

  ownerOf(): string {
    return this.#options.node;
  }

  role(): 'owner' {
    return 'owner';
  }

  summary(): Summary {
    const { node, namespaces } = this.#options;
    const count = new Set(namespaces()).size;
    return {
      role: 'owner',
      members: [node],
      owners: [node],
      present: true,
      suspended: false,
      namespaces: count,
    };
  }

  onChange(): () => void {
    return () => {};
  }

  observe(): void {}

  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await once(signal, 'abort');
  }
}
