import type { Clock } from '../../agent/clock.ts';
import type { Log } from '../../agent/log.ts';
import type { Metrics } from '../../agent/metrics.ts';
import { HeldIdentity } from '../../agent/spiffe/held-identity.ts';
import type { X509Svid } from '../../agent/spiffe/svid.ts';

/** SPIRE renews an SVID at half of its life. */
export const LIFE_MS = 3_600_000;

/** An agent's identity as it holds it, fed as SPIRE would feed it, without certificates. */
export class SimulatedIdentity {
  readonly held: HeldIdentity;
  readonly #clock: Clock;
  readonly #pod: string;
  #serial = 0;
  #withheld = false;

  constructor(pod: string, options: { clock: Clock; log: Log; metrics: Metrics }) {
    this.#pod = pod;
    this.#clock = options.clock;
    this.held = new HeldIdentity(options);
  }

  /** Issues one, and the next ones in time. */
  start(): void {
    this.#issue();
  }

  /** SPIRE takes it away and gives one again after `ms` milliseconds. */
  withdraw(ms: number): void {
    this.#withheld = true;
    this.held.lose('withdrawn', 'NoIdentity', {});
    this.#clock.after(ms, () => {
      this.#withheld = false;
      this.#give();
    });
  }

  /** SPIRE stays away for `ms` milliseconds: what is held may expire. */
  starve(ms: number): void {
    this.#withheld = true;
    this.#clock.after(ms, () => {
      this.#withheld = false;
      this.#give();
    });
  }

  #issue(): void {
    if (!this.#withheld) this.#give();
    this.#clock.after(LIFE_MS / 2, () => this.#issue());
  }

  #give(): void {
    const wall = this.#clock.wall();
    const trustDomain = 'vsecm.com';
    const path = `/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/${this.#pod}`;
    const svid: Pick<X509Svid, 'id' | 'notAfter' | 'notBefore' | 'serialNumber' | 'equals'> = {
      id: { uri: `spiffe://${trustDomain}${path}`, trustDomain, path },
      notBefore: wall - 10_000,
      notAfter: wall + LIFE_MS,
      serialNumber: String(++this.#serial),
      equals: () => false,
    };
    this.held.hold(svid as X509Svid);
  }
}
