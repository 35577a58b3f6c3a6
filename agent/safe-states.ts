import { hintFor } from './api/reasons.ts';
import type { DeclaredSafeState, SafeMeetingState } from './api/state.ts';
import type { DeclaredSafe } from './safe/declared-safe.ts';
import { meet, type Meeting, type MeetingOptions } from './safe/meeting.ts';
import type { Safes } from './safe/safes.ts';
import { sharedResult } from './shared-result.ts';
import { bundleOf, type TrustBundle } from './spiffe/trust-bundle.ts';

export interface SafeStatesOptions extends MeetingOptions {
  safes: Safes;
  /** Since when the bundle of a trust domain is as it is, Unix milliseconds. */
  bundleSince: (trustDomain: string) => number | undefined;
}

/** However many ask, each Safe is met once in so long, as it would be asked at most. */
const MEET_EVERY_MS = 5_000;

/** What people may know of the Safes that resources may name, whether any does or not. */
export class SafeStates {
  readonly #options: SafeStatesOptions;
  /** Meets all of them at once, and asks nothing. */
  readonly meetings: () => Promise<SafeMeetingState[]>;

  constructor(options: SafeStatesOptions) {
    this.#options = options;
    const one = async (safe: DeclaredSafe): Promise<SafeMeetingState> => ({
      ...this.#declared(safe),
      ...told(await meet(safe, options)),
    });
    this.meetings = sharedResult(options.clock, MEET_EVERY_MS, () => Promise.all(options.safes.all.map(one)));
  }

  declared(): DeclaredSafeState[] {
    return this.#options.safes.named.map((safe) => this.#declared(safe));
  }

  /** When the last root of each Safe's bundle expires, Unix milliseconds; undefined: there is no bundle. */
  bundleExpiries(): { url: string; notAfter: number | undefined }[] {
    return this.#options.safes.all.map(({ url, trustDomain }) => ({
      url,
      notAfter: this.#bundle(trustDomain)?.notAfter,
    }));
  }

  #declared({ url, dial, trustDomain }: DeclaredSafe): DeclaredSafeState {
    const bundle = this.#bundle(trustDomain);
    const since = this.#options.bundleSince(trustDomain);
    if (bundle === undefined || since === undefined) return { url, dial, trustDomain };
    const [from, notAfter] = [since, bundle.notAfter].map((ms) => new Date(ms).toISOString()) as [
      string,
      string,
    ];
    return { url, dial, trustDomain, bundle: { roots: bundle.certificates.length, since: from, notAfter } };
  }

  #bundle(trustDomain: string): TrustBundle | undefined {
    try {
      return bundleOf(this.#options.identity.current(), trustDomain);
    } catch {
      return undefined;
    }
  }
}

function told({ phase, peerSpiffeId, failure }: Meeting): Partial<SafeMeetingState> {
  return {
    ...(phase !== undefined && { reached: phase }),
    ...(peerSpiffeId !== undefined && { peerSpiffeId }),
    ...(failure && {
      failure: {
        code: failure.code,
        ...(failure.cause !== undefined && { cause: failure.cause }),
        hint: hintFor(failure.code, failure),
      },
    }),
  };
}
