import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { inSteps, type Metrics } from '../metrics.ts';
import type { Reach } from '../reach.ts';
import type { Identity } from '../spiffe/svid.ts';
import type { DeclaredSafe } from './declared-safe.ts';
import type { SafeTls } from './own-identity.ts';
import type { Safes } from './safes.ts';
import { SafeConnection, type RawResponse } from './connection.ts';
import { SafeError } from './error.ts';
import { identityOf, type IdentitySource } from './own-identity.ts';
import { failureOfStatus, parseResponse, type SafeAnswer } from './response.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface SafeClientOptions {
  identity: IdentitySource;
  safes: Pick<Safes, 'at'>;
  reach: Pick<Reach, 'connect'>;
  tls: SafeTls;
  /** The longest body that is read. */
  maxBytes: number;
  log: Log;
  metrics: Pick<Metrics, 'safeRequests' | 'safeDuration' | 'safeAnswerBytes'>;
  clock: Clock;
}

/** An answer and when it was had, Unix milliseconds. */
export interface Fetched {
  readonly answer: SafeAnswer;
  /** When its request was sent: whatever was registered before is in it. */
  readonly begunAt: number;
  readonly endedAt: number;
  /** Size of the response body. */
  readonly bytes: number;
}

/** Asks Safes with the agent's identity, whichever it is at that moment, and never without one. */
export class SafeClient {
  readonly #options: SafeClientOptions;
  readonly #live = new Map<SafeConnection, DeclaredSafe>();
  #unsubscribe: (() => void) | undefined;
  #closed = false;
  /** Secrets with unreadable dates that the log has named, by what was dialled. */
  readonly #reported = new Map<string, string>();

  constructor(options: SafeClientOptions) {
    this.#options = options;
    this.#unsubscribe = options.identity.onChange((change) => {
      // Safe goes on answering on a connection whose SVID has expired. After a rotation the old
      // connections finish what they are doing.
      if (change === 'withdrawn' || change === 'expired') this.#cut();
      else this.#cutUntrusted();
    });
  }

  /**
   * One request to the Safe that is dialled so; redirects are not followed.
   * @throws SafeError, or the signal's reason
   */
  async read(dial: string, signal?: AbortSignal): Promise<Fetched> {
    const { clock, metrics, log } = this.#options;
    const safe = this.#options.safes.at(dial);
    const begunAt = clock.now();
    let sent = false;
    const done = (code: string): void => {
      const durationSeconds = (clock.now() - begunAt) / 1000;
      log.debug('request to Safe ended', { safeURL: dial, code, durationSeconds });
      if (!sent) return;
      metrics.safeRequests.inc({ url: safe.url, code });
      metrics.safeDuration.observe({ url: safe.url }, durationSeconds);
    };
    try {
      const { status, retryAfter, body } = await this.#request(safe, signal, () => (sent = true));
      if (status !== 200) throw failureOfStatus(status, parseRetryAfter(retryAfter, clock.wall()));
      const answer = parseResponse(status, body, safe.proof);
      this.#reportUnreadable(safe, answer);
      metrics.safeAnswerBytes.set({ url: safe.url }, inSteps(body.byteLength));
      done('OK');
      return { answer, begunAt, endedAt: clock.now(), bytes: body.byteLength };
    } catch (error) {
      done(error instanceof SafeError ? error.code : 'aborted');
      throw error instanceof SafeError ? error.of(safe) : error;
    }
  }

  /** Ends what is under way; reads fail from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#cut();
  }

  /** Tries until a connection was not cut for its identity's sake, or there is no identity. */
  async #request(
    safe: DeclaredSafe,
    signal: AbortSignal | undefined,
    onSend: () => void,
  ): Promise<RawResponse> {
    const { clock, maxBytes, reach, tls } = this.#options;
    const { serverName, timeoutMs } = safe;
    let timedOut = false;
    let connection: SafeConnection | undefined;
    const cut = (): void => connection?.destroy();
    const cancelTimeout = clock.after(timeoutMs, () => {
      timedOut = true;
      cut();
    });
    signal?.addEventListener('abort', cut, { once: true });
    try {
      for (;;) {
        signal?.throwIfAborted();
        const unsent = connection === undefined;
        const identity = this.#identity(unsent);
        const options = tls.options(identity, safe);
        if (options === undefined) throw new SafeError('TrustDomainNotFederated', { unsent });
        connection = new SafeConnection({
          url: new URL(safe.dial),
          reach,
          serverName,
          tls: options,
          peerErrorOf: tls.peerErrorOf,
          own: identity,
          wall: () => clock.wall(),
          maxBytes,
        });
        onSend();
        const response = await this.#exchange(connection, safe, identity).catch((error: unknown) => {
          if (timedOut)
            throw new SafeError('SafeTimeout', { cause: `TIMEOUT_${connection?.phase.toUpperCase()}` });
          if (!connection?.destroyed) throw error;
          return undefined;
        });
        if (response) return response;
      }
    } finally {
      cancelTimeout();
      signal?.removeEventListener('abort', cut);
    }
  }

  async #exchange(connection: SafeConnection, safe: DeclaredSafe, identity: Identity): Promise<RawResponse> {
    const { clock } = this.#options;
    this.#live.set(connection, safe);
    // The source announces the end of the identity it holds, not of one that it has replaced.
    const cancelExpiry = clock.after(identity.notAfter - clock.wall(), () => connection.destroy());
    try {
      return await connection.get();
    } finally {
      cancelExpiry();
      this.#live.delete(connection);
    }
  }

  #identity(unsent: boolean): Identity {
    if (this.#closed) throw new SafeError('SafeUnreachable', { cause: 'CLIENT_CLOSED', unsent });
    return identityOf(this.#options.identity, this.#options.clock, unsent);
  }

  #cut(): void {
    for (const connection of this.#live.keys()) connection.destroy();
  }

  /** Ends the connections to Safes whose trust domain is no longer federated. */
  #cutUntrusted(): void {
    const { identity, tls } = this.#options;
    const held = identity.current();
    for (const [connection, safe] of this.#live)
      if (tls.options(held, safe) === undefined) connection.destroy();
  }

  /** Says once which secrets have dates that do not parse, until that changes. */
  #reportUnreadable({ url, dial }: DeclaredSafe, answer: SafeAnswer): void {
    const secrets =
      answer.kind === 'named'
        ? [...answer.secrets.values()].filter((secret) => secret.unreadable.length > 0)
        : [];
    const now = secrets
      .map(({ name }) => JSON.stringify(name))
      .sort()
      .join();
    if (now === (this.#reported.get(dial) ?? '')) return;
    this.#reported.set(dial, now);
    for (const { name, unreadable } of secrets) {
      this.#options.log.warn('secret in Safe has a date that does not parse and counts as expired', {
        safeURL: url,
        secretName: name,
        fields: [...unreadable],
      });
    }
  }
}
