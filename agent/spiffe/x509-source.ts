import { Backoff, pause, type BackoffOptions } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import { MalformedError, type IdentityErrorCode, type IdentityErrorDetails } from './error.ts';
import { HeldIdentity, type IdentityChange } from './held-identity.ts';
import { workloadName } from './id.ts';
import { isOrphaned } from './orphaned-mount.ts';
import { parseSocketAddress, type SocketAddress } from './socket-address.ts';
import { RefusedBundles } from './refused-bundles.ts';
import { ORPHANED_MOUNT, StreamOutage } from './stream-outage.ts';
import { parseFederatedBundles } from './trust-bundle.ts';
import { parseSvids, type Identity, type X509Svid } from './svid.ts';
import { fetchX509Svids, WorkloadApiError } from './workload-api.ts';
import type { X509SVIDResponse } from './workload-message.ts';

export interface X509SourceOptions {
  /** `unix:///path` or `tcp://IP:port`. */
  socket: string;
  /** SVIDs of other trust domains are not this agent's. */
  trustDomain: string;
  /** The VSecM workload name that the SVID must have; default `vsecm-scout`, whom Safe shows `raw:` secrets. */
  workload?: string;
  log: Log;
  metrics: Pick<Metrics, 'identityExpiry' | 'identityIssued' | 'identityUpdates'>;
  clock: Clock;
  random: Random;
  /** Between attempts to open the stream; default 1 s doubling to 30 s, go-spiffe's bounds. */
  backoff?: Omit<BackoffOptions, 'random'>;
  /** How long a new stream may stay silent; default 60 s, since SPIRE's Kubernetes attestor alone may take 30. */
  firstMessageMs?: number;
  /** Completes log lines with what a person can do. */
  hint?: (
    code: IdentityErrorCode,
    names: { trustDomain: string } & Pick<IdentityErrorDetails, 'dates'>,
  ) => string;
  /** How long new streams may be denied while the SVID in hand is valid; default 2 min. */
  deniedMs?: number;
}

/** SPIRE agents that were restarted have been seen to deny for 20 s; some wait for the server and the kubelet. */
const DENIED_MS = 120_000;

/** A stream that delivered is opened again at once, but not in a tight loop if each one ends right away. */
const AT_ONCE_EVERY_MS = 5_000;

/** The agent's identity as the Workload API tells it: every message is the full truth, silence changes nothing. */
export class X509Source {
  readonly #options: X509SourceOptions;
  readonly #address: SocketAddress;
  readonly #backoff: Backoff;
  readonly #held: HeldIdentity;
  readonly #outage: StreamOutage;
  readonly #refusals: RefusedBundles;
  #lastAtOnce = -Infinity;

  /** @throws MalformedError if the socket address does not parse */
  constructor(options: X509SourceOptions) {
    const { log, metrics, clock, hint, trustDomain } = options;
    this.#options = options;
    this.#address = parseSocketAddress(options.socket);
    const { backoff = { firstMs: 1_000, maxMs: 30_000 }, random } = options;
    this.#backoff = new Backoff({ ...backoff, random });
    this.#refusals = new RefusedBundles(log);
    this.#outage = new StreamOutage({
      clock,
      log,
      socket: options.socket,
      orphanHint: () => hint?.('SocketOrphaned', { trustDomain }),
    });
    this.#held = new HeldIdentity({
      log,
      metrics,
      clock,
      hint: hint && ((code, details) => hint(code, { trustDomain, ...details })),
    });
  }

  /**
   * The identity to use for the next connection, never an expired one.
   *
   * @throws IdentityError
   */
  current(): Identity {
    return this.#held.current();
  }

  /** Since when the bundle of this trust domain is as it is, Unix milliseconds; undefined: there is none. */
  bundleSince(trustDomain: string): number | undefined {
    return this.#held.bundleSince(trustDomain);
  }

  /** Calls `listener` after each change, synchronously. The returned function ends that. */
  onChange(listener: (change: IdentityChange) => void): () => void {
    return this.#held.onChange(listener);
  }

  /** Follows the Workload API until `signal` is aborted; the identity held then can be used until it expires. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delayMs = await this.#follow(signal);
      if (delayMs > 0) await pause(this.#options.clock, delayMs, signal);
    }
    this.#held.stop();
  }

  /** Follows one stream to its end; returns how long to wait before the next one. */
  async #follow(signal: AbortSignal): Promise<number> {
    const { clock, firstMessageMs = 60_000 } = this.#options;
    let delivered = false;
    try {
      for await (const message of fetchX509Svids({ address: this.#address, clock, firstMessageMs }, signal)) {
        delivered = this.#receive(message) || delivered;
      }
      return 0;
    } catch (error) {
      if (!(error instanceof WorkloadApiError)) throw error;
      const delayMs = this.#delayAfter(delivered);
      const orphaned = error.cause === 'ENOENT' && (await isOrphaned(this.#address));
      this.#takeEnd(orphaned ? new WorkloadApiError(error.kind, ORPHANED_MOUNT) : error, delayMs, delivered);
      return delayMs;
    }
  }

  #delayAfter(delivered: boolean): number {
    if (delivered) {
      this.#backoff.reset();
      const now = this.#options.clock.now();
      if (now - this.#lastAtOnce >= AT_ONCE_EVERY_MS) {
        this.#lastAtOnce = now;
        return 0;
      }
    }
    return this.#backoff.next();
  }

  #takeEnd({ kind, cause }: WorkloadApiError, delayMs: number, delivered: boolean): void {
    this.#options.metrics.identityUpdates.inc({ result: kind });
    this.#outage.failed(cause, this.#backoff.attempt, delayMs);
    if (kind === 'denied') return this.#takeDenial(cause, delivered);
    // An SVID in hand stays valid while nobody says otherwise; that one has expired stays the better explanation,
    // unless it is known why no other came.
    if (this.#held.failure === undefined) return;
    if (cause === ORPHANED_MOUNT) return this.#held.explain('SocketOrphaned', { cause });
    if (this.#held.failure === 'IdentityExpired') return;
    this.#held.explain(kind === 'refused' ? 'NoIdentity' : 'SocketUnavailable', { cause });
  }

  /**
   * SPIRE ends a stream that it has served with PermissionDenied when the registration entry is deleted: that
   * takes the SVID away at once. A *new* stream that is denied says less: a SPIRE agent that was just restarted
   * denies until it has its entries back and the kubelet has told it about the pod. go-spiffe then goes on with
   * what it has, and so does the agent, for a limited time: the SVID is worth what it was (SPIRE revokes none, Safe
   * takes it until it expires), and without it readiness and with it the namespaces would go at each such restart.
   */
  #takeDenial(cause: string, delivered: boolean): void {
    const { deniedMs = DENIED_MS } = this.#options;
    if (this.#held.failure === undefined && !delivered && this.#outage.lastsFor(cause) < deniedMs) return;
    this.#held.lose('withdrawn', 'NoIdentity', { cause });
  }

  /** Takes over what a message says; returns whether it was well-formed. */
  #receive(message: X509SVIDResponse): boolean {
    const { log, metrics, socket } = this.#options;
    try {
      const { trustDomain } = this.#options;
      const { bundles, refused } = parseFederatedBundles(message.federatedBundles, trustDomain);
      const svids = parseSvids(message, bundles);
      this.#refusals.tell(refused);
      metrics.identityUpdates.inc({ result: 'received' });
      this.#outage.ended();
      this.#decide(svids);
      return true;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      metrics.identityUpdates.inc({ result: 'malformed' });
      log.warn('Workload API message dropped', { socket, cause: error.message });
      if (this.#held.failure === 'SocketUnavailable')
        this.#held.explain('NoIdentity', { cause: error.message });
      return false;
    }
  }

  #decide(svids: readonly X509Svid[]): void {
    const { trustDomain, workload = 'vsecm-scout' } = this.#options;
    const [other, ...others] = sorted(svids);
    const mine = sorted(
      svids.filter(({ id }) => id.trustDomain === trustDomain && workloadName(id) === workload),
    );
    const usable = mine.find((svid) => !this.#held.hasExpired(svid));
    if (usable !== undefined) return this.#held.hold(usable);
    if (mine[0] !== undefined) return this.#held.expire(mine[0]);
    if (other !== undefined) {
      const cause = others.length === 0 ? {} : { cause: 'several SVIDs, none of them scout' };
      this.#held.lose('withdrawn', 'IdentityNotScout', { spiffeId: other.id.uri, ...cause });
    }
  }
}

/** By SPIFFE ID, the longest-lasting first: their order in a message means nothing and changes from one to the next. */
const sorted = (svids: readonly X509Svid[]): X509Svid[] =>
  svids.toSorted((a, b) => (a.id.uri < b.id.uri ? -1 : a.id.uri > b.id.uri ? 1 : b.notAfter - a.notAfter));
