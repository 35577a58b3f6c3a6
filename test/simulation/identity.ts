import type { Clock } from '../../agent/clock.ts';
import type { IdentitySource } from '../../agent/safe/own-identity.ts';
import { IdentityError, type IdentityErrorCode } from '../../agent/spiffe/error.ts';
import type { Identity } from '../../agent/spiffe/svid.ts';

type Change = Parameters<Parameters<IdentitySource['onChange']>[0]>[0];

const LIFE_MS = 3_600_000;

/** The identity that an agent holds, as SPIRE gives, renews, withdraws it or lets it expire; without certificates. */
export class SimulatedIdentity implements IdentitySource {
  readonly #clock: Clock;
  readonly #pod: string;
  readonly #listeners = new Set<(change: Change) => void>();
  #held: Identity | undefined;
  #failure: IdentityErrorCode = 'SocketUnavailable';
  #withheld = false;
  #serial = 0;

  constructor(pod: string, clock: Clock) {
    this.#pod = pod;
    this.#clock = clock;
  }

  /** Issues one, and the next ones at half of their life. */
  start(): void {
    if (!this.#withheld) this.#give();
    this.#clock.after(LIFE_MS / 2, () => this.start());
  }

  /** SPIRE takes it away and gives one again after `ms` milliseconds. */
  withdraw(ms: number): void {
    this.#lose('withdrawn', 'NoIdentity');
    this.starve(ms);
  }

  /** SPIRE stays away for `ms` milliseconds: what is held may expire. */
  starve(ms: number): void {
    this.#withheld = true;
    this.#clock.after(ms, () => {
      this.#withheld = false;
      this.#give();
    });
  }

  /** @throws IdentityError */
  current(): Identity {
    this.#checkExpiry();
    if (this.#held === undefined) throw new IdentityError(this.#failure);
    return this.#held;
  }

  holds(): boolean {
    this.#checkExpiry();
    return this.#held !== undefined;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #give(): void {
    const trustDomain = 'vsecm.com';
    const path = `/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/${this.#pod}`;
    const before = this.#held;
    const given: Partial<Identity> = {
      id: { uri: `spiffe://${trustDomain}${path}`, trustDomain, path },
      notAfter: this.#clock.wall() + LIFE_MS,
      serialNumber: String(++this.#serial),
    };
    // Nobody here opens a connection with it.
    this.#held = given as Identity;
    this.#tell(before === undefined ? 'obtained' : 'rotated');
    this.#clock.after(LIFE_MS, () => this.#checkExpiry());
  }

  #checkExpiry(): void {
    if (this.#held && this.#held.notAfter <= this.#clock.wall()) this.#lose('expired', 'IdentityExpired');
  }

  #lose(change: Change, code: IdentityErrorCode): void {
    this.#failure = code;
    if (this.#held === undefined) return;
    this.#held = undefined;
    this.#tell(change);
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
