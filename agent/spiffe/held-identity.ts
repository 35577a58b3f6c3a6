import { dateOf, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { Outage } from '../outage.ts';
import { IdentityError, type IdentityErrorCode, type IdentityErrorDetails } from './error.ts';
import type { Identity, X509Svid } from './svid.ts';
import { bundleOf } from './trust-bundle.ts';

/**
 * What happened to the identity: there is one again, it was replaced by a different one (or its bundle was), SPIRE
 * took it away, it ran out. After the last two no connection that was made with it may be used any longer.
 */
export type IdentityChange = 'obtained' | 'rotated' | 'withdrawn' | 'expired';

export interface HeldIdentityOptions {
  log: Log;
  metrics: Pick<Metrics, 'identityExpiry' | 'identityIssued'>;
  clock: Clock;
  /** Completes the log line about a missing identity with what a person can do. */
  hint?: ((code: IdentityErrorCode, details: Pick<IdentityErrorDetails, 'dates'>) => string) | undefined;
}

/** The SVID in use, or the reason why there is none. */
export class HeldIdentity {
  readonly #options: HeldIdentityOptions;
  readonly #listeners = new Set<(change: IdentityChange) => void>();
  #svid: X509Svid | undefined;
  /** Since when the bundle of each trust domain is as it is, Unix milliseconds. */
  #bundlesSince: ReadonlyMap<string, number> = new Map();
  readonly #outage: Outage;
  #failure: { code: IdentityErrorCode } & IdentityErrorDetails = {
    code: 'SocketUnavailable',
    cause: 'no answer yet',
  };
  #cancelExpiry = (): void => {};

  constructor(options: HeldIdentityOptions) {
    this.#options = options;
    this.#outage = new Outage(options);
  }

  /**
   * The SVID, never an expired one.
   *
   * @throws IdentityError
   */
  current(): Identity {
    // The timer may be late, or the machine may have slept.
    if (this.#svid !== undefined && this.hasExpired(this.#svid)) this.expire(this.#svid);
    if (this.#svid === undefined) throw new IdentityError(this.#failure.code, this.#failure);
    return this.#svid;
  }

  /** Why there is no identity; undefined while there is one. */
  get failure(): IdentityErrorCode | undefined {
    return this.#svid === undefined ? this.#failure.code : undefined;
  }

  hasExpired(svid: X509Svid): boolean {
    return this.#options.clock.wall() >= svid.notAfter;
  }

  onChange(listener: (change: IdentityChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Uses this SVID until it expires, if it or its bundle differs from the one in use. */
  hold(svid: X509Svid): void {
    const before = this.#svid;
    if (before?.equals(svid)) return;
    const { clock, metrics, log } = this.#options;
    this.#cancelExpiry();
    this.#cancelExpiry = clock.after(svid.notAfter - clock.wall(), () => this.expire(svid));
    this.#dateBundles(svid, before);
    this.#svid = svid;
    metrics.identityExpiry.set(svid.notAfter / 1000);
    metrics.identityIssued.set(svid.notBefore / 1000);
    const missing = this.#outage.ended();
    const line = before === undefined ? 'X.509-SVID obtained' : 'X.509-SVID rotated';
    log[before?.isSame(svid) ? 'debug' : 'info'](line, {
      spiffeID: svid.id.uri,
      serial: svid.serialNumber,
      notAfter: new Date(svid.notAfter).toISOString(),
      ...(missing && { durationSeconds: missing.durationSeconds }),
    });
    this.#tellFederated(svid, before);
    this.#emit(before === undefined ? 'obtained' : 'rotated');
  }

  /** There is no identity from now on, for this reason. */
  lose(change: 'withdrawn' | 'expired', code: IdentityErrorCode, details: IdentityErrorDetails): void {
    const held = this.#svid;
    this.#cancelExpiry();
    this.#svid = undefined;
    this.#options.metrics.identityExpiry.set(0);
    this.#options.metrics.identityIssued.set(0);
    this.explain(code, details);
    if (held !== undefined) this.#emit(change);
  }

  /** There is no identity from now on, since this one, held or just received, has expired. */
  expire({ id, notBefore, notAfter }: X509Svid): void {
    const dates = { notBefore, notAfter, clock: this.#options.clock.wall() };
    this.lose('expired', 'IdentityExpired', { spiffeId: id.uri, dates });
  }

  /** Remembers why there is no identity, and says so once per cause, and from time to time while it lasts. */
  explain(code: IdentityErrorCode, details: IdentityErrorDetails): void {
    this.#failure = { code, ...details };
    const { log, hint, clock } = this.#options;
    const notice = this.#outage.failed([code, details.cause, details.spiffeId].join(' '));
    if (notice === undefined) return;
    log.warn('no X.509-SVID', {
      ...(notice === 'lasts' && { since: dateOf(clock, this.#outage.since).toISOString() }),
      stage: 'identity',
      code,
      ...(details.cause === undefined ? {} : { cause: details.cause }),
      ...(details.spiffeId === undefined ? {} : { spiffeID: details.spiffeId }),
      ...(hint === undefined ? {} : { hint: hint(code, details) }),
    });
  }

  /** Keeps what is held, but stops its timer: `current` alone looks at the clock from now on. */
  stop(): void {
    this.#cancelExpiry();
  }

  /** Since when the bundle of this trust domain is as it is; undefined: there is none. */
  bundleSince(trustDomain: string): number | undefined {
    return this.#svid === undefined ? undefined : this.#bundlesSince.get(trustDomain);
  }

  #dateBundles(now: X509Svid, before: X509Svid | undefined): void {
    const wall = this.#options.clock.wall();
    const domains = [now.id.trustDomain, ...now.federated.keys()];
    this.#bundlesSince = new Map(
      domains.map((domain) => {
        const bundle = bundleOf(now, domain);
        const last = before && bundleOf(before, domain);
        const same = bundle !== undefined && last?.equals(bundle) === true;
        return [domain, (same && this.#bundlesSince.get(domain)) || wall];
      }),
    );
  }

  /** Says which trust domains are federated from now on, differently, or no longer. */
  #tellFederated(now: X509Svid, before: X509Svid | undefined): void {
    const { log } = this.#options;
    for (const [trustDomain, bundle] of now.federated) {
      const last = before?.federated.get(trustDomain);
      if (last?.equals(bundle)) continue;
      log.info(last === undefined ? 'trust domain federated' : 'federated trust bundle rotated', {
        trustDomain,
        notAfter: new Date(bundle.notAfter).toISOString(),
      });
    }
    for (const trustDomain of before?.federated.keys() ?? [])
      if (!now.federated.has(trustDomain)) log.warn('trust domain no longer federated', { trustDomain });
  }

  #emit(change: IdentityChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
