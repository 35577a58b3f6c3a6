import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { createLog } from '../../agent/log.ts';
import { Reach } from '../../agent/reach.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { SafeClient, type SafeClientOptions } from '../../agent/safe/client.ts';
import type { IdentitySource } from '../../agent/safe/own-identity.ts';
import type { DeclaredSafe } from '../../agent/safe/declared-safe.ts';
import { SafeError } from '../../agent/safe/error.ts';
import { IdentityError } from '../../agent/spiffe/error.ts';
import { parseSpiffeId } from '../../agent/spiffe/id.ts';
import type { Identity } from '../../agent/spiffe/svid.ts';
import { X509Source, type X509SourceOptions } from '../../agent/spiffe/x509-source.ts';
import { TrustBundle } from '../../agent/spiffe/trust-bundle.ts';
import { peerErrorOf, tlsOptions } from '../../agent/spiffe/tls.ts';
import type { IssueOptions } from '../devcluster/pki.ts';
import { DevSafe, type DevSafeOptions } from '../devcluster/safe.ts';
import type { DevAuthority } from '../devcluster/spire/authority.ts';

export const SCOUT =
  'spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/vsecm-agent-x7k2p';
export const SAFE_ID =
  /^spiffe:\/\/vsecm.com\/workload\/vsecm-safe\/ns\/vsecm-system\/sa\/vsecm-safe\/n\/[^/]+$/;

/** A Safe of the own trust domain, but for what a test says of it. */
export const safeLike = (dial: string, change: Partial<DeclaredSafe> = {}): DeclaredSafe => ({
  url: dial,
  dial,
  home: true,
  serverName: undefined,
  trustDomain: 'vsecm.com',
  idPattern: SAFE_ID,
  grants: 'enforce',
  scope: { as: 'vsecm.com', qualified: false },
  proof: undefined,
  timeoutMs: 10_000,
  floorMs: undefined,
  ...change,
});

/** Whatever is dialled is such a Safe. */
export const safesLike = (change: Partial<DeclaredSafe> = {}): SafeClientOptions['safes'] => ({
  at: (dial) => safeLike(dial, change),
});

/** The recorded answer of VSecM Safe, byte for byte. */
export const sample = (name: string): Promise<Buffer> =>
  readFile(new URL(`../fixtures/safe/${name}.json`, import.meta.url));

/** The agent's real identity source, not yet running; `changed` resolves at its next change. */
export function sourceOf(
  socket: string,
  change: Pick<X509SourceOptions, 'backoff'> = {},
): { source: X509Source; changed: () => Promise<string> } {
  const source = new X509Source({
    socket,
    trustDomain: 'vsecm.com',
    log: createLog('silent', {}),
    metrics: createMetrics(),
    clock: systemClock,
    random: Math.random,
    ...change,
  });
  const changed = (): Promise<string> =>
    new Promise((resolve) => {
      const end = source.onChange((change) => {
        end();
        resolve(change);
      });
    });
  return { source, changed };
}

/** An identity that a test renews and takes away by hand, announced as the real source does. */
export class HandIdentity implements IdentitySource {
  readonly #listeners = new Set<Parameters<IdentitySource['onChange']>[0]>();
  readonly #authority: DevAuthority;
  #held: Identity | undefined;
  #federated: Identity['federated'] = new Map();
  #missing: IdentityError = new IdentityError('NoIdentity', { cause: 'PermissionDenied' });

  constructor(authority: DevAuthority) {
    this.#authority = authority;
  }

  current(): Identity {
    if (!this.#held) throw this.#missing;
    return this.#held;
  }

  onChange(changed: Parameters<IdentitySource['onChange']>[0]): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** A new SVID, whether there was one or not. */
  async rotate(options: IssueOptions = {}): Promise<Identity> {
    const { id = SCOUT } = options;
    const { chainPem, keyPem, notBefore, notAfter, certDer } = await this.#authority.ca.issue({
      ...options,
      id,
    });
    const change = this.#held ? 'rotated' : 'obtained';
    const held = {
      id: parseSpiffeId(id),
      certificatesPem: chainPem,
      keyPem,
      bundle: new TrustBundle(this.#authority.bundleDer),
      federated: this.#federated,
      notBefore,
      notAfter,
      serialNumber: certDer.toString('hex').slice(0, 8),
    };
    this.#held = held;
    this.#tell(change);
    return held;
  }

  /** Federates these trust domains from now on, and no others. */
  federate(...authorities: readonly DevAuthority[]): void {
    this.#federated = new Map(
      authorities.map(({ trustDomain, bundleDer }) => [trustDomain, new TrustBundle(bundleDer)]),
    );
    if (!this.#held) return;
    this.#held = { ...this.#held, federated: this.#federated };
    this.#tell('rotated');
  }

  lose(change: 'withdrawn' | 'expired'): void {
    this.#held = undefined;
    this.#missing = new IdentityError(change === 'expired' ? 'IdentityExpired' : 'NoIdentity');
    this.#tell(change);
  }

  #tell(change: Parameters<Parameters<IdentitySource['onChange']>[0]>[0]): void {
    for (const changed of this.#listeners) changed(change);
  }
}

export interface Bench {
  safe: DevSafe;
  identity: HandIdentity;
  client: SafeClient;
  lines: string[];
  metrics: ReturnType<typeof createMetrics>;
}

/** A Safe, an identity that it knows, and a client between them; all ended with the test. */
export async function bench(
  t: TestContext,
  options: { safe?: DevSafeOptions; client?: Partial<SafeClientOptions> } = {},
): Promise<Bench> {
  const safe = await DevSafe.start(options.safe);
  const identity = new HandIdentity(safe.authority);
  await identity.rotate();
  const { client, lines, metrics } = clientFor(identity, options.client);
  t.after(async () => {
    await client.close();
    await safe.close();
  });
  return { safe, identity, client, lines, metrics };
}

export function clientFor(identity: IdentitySource, options: Partial<SafeClientOptions> = {}) {
  const lines: string[] = [];
  const metrics = createMetrics();
  const client = new SafeClient({
    identity,
    safes: safesLike(),
    reach: new Reach({ clock: systemClock }),
    tls: { options: tlsOptions, peerErrorOf },
    maxBytes: 1024 * 1024,
    log: createLog('trace', {}, { write: (line) => lines.push(line) }),
    metrics,
    clock: systemClock,
    ...options,
  });
  return { client, lines, metrics };
}

/** The failure of a read, with the parts that tests compare; fails if the read does not. */
export async function failure(
  read: Promise<unknown>,
): Promise<{ code: string; cause?: string; status?: number; retryAfterMs?: number }> {
  const outcome = await read.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof SafeError))
    throw new Error(`expected a SafeError, got ${outcome instanceof Error ? outcome.name : typeof outcome}`);
  const { code, cause, status, retryAfterMs } = outcome;
  return {
    code,
    ...(cause !== undefined && { cause }),
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
