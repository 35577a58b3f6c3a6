import { Ca } from '../pki.ts';

const HOUR_MS = 3_600_000;
const KEEP_EXPIRED_MS = 24 * HOUR_MS;

export interface DevAuthorityOptions {
  trustDomain?: string;
  /** Lifetime of each root; default 24 hours, as SPIRE's. */
  caTtlMs?: number;
}

/**
 * The signing side of a SPIRE server. As seen on SPIRE: a new root enters the bundle at half of the life of the
 * one that signs, signs from 5/6 on, and an expired root stays in the bundle for 24 hours.
 */
export class DevAuthority {
  readonly trustDomain: string;
  readonly #caTtlMs: number;
  readonly #listeners = new Set<() => void>();
  #roots: Ca[];
  #signing: Ca;
  #timer: NodeJS.Timeout | undefined;

  private constructor(trustDomain: string, caTtlMs: number, first: Ca) {
    this.trustDomain = trustDomain;
    this.#caTtlMs = caTtlMs;
    this.#roots = [first];
    this.#signing = first;
    this.#schedule();
  }

  static async create(options: DevAuthorityOptions = {}): Promise<DevAuthority> {
    const { trustDomain = 'vsecm.com', caTtlMs = 24 * HOUR_MS } = options;
    return new DevAuthority(trustDomain, caTtlMs, await Ca.create(trustDomain, { ttlMs: caTtlMs }));
  }

  /** The root that signs now. */
  get ca(): Ca {
    return this.#signing;
  }

  /** All roots in the bundle, the oldest first. */
  get roots(): readonly Ca[] {
    return this.#roots;
  }

  /** Concatenated, as the Workload API sends them. */
  get bundleDer(): Buffer {
    return Buffer.concat(this.#roots.map(({ certDer }) => certDer));
  }

  get bundlePem(): string {
    return this.#roots.map(({ certPem }) => certPem).join('');
  }

  /** Calls `listener` whenever the bundle changes. */
  onBundle(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** First step of a rotation, now instead of at half of the root's life: the next root is in the bundle and signs nothing. */
  async prepare(): Promise<Ca> {
    const next = await Ca.create(this.trustDomain, { ttlMs: this.#caTtlMs });
    this.#roots = [...this.#roots.filter(({ notAfter }) => notAfter + KEEP_EXPIRED_MS > Date.now()), next];
    this.#schedule();
    for (const listener of this.#listeners) listener();
    return next;
  }

  /** Second step: the newest root signs from now on. SVIDs that are out stay as they are until renewed. */
  activate(): void {
    this.#signing = this.#roots.at(-1) ?? this.#signing;
    this.#schedule();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { notBefore, notAfter } = this.#signing;
    const prepared = this.#roots.at(-1) !== this.#signing;
    const dueAt = notBefore + (notAfter - notBefore) * (prepared ? 5 / 6 : 1 / 2);
    const run = prepared ? () => this.activate() : () => void this.prepare();
    this.#timer = setTimeout(run, Math.max(1_000, dueAt - Date.now()));
    this.#timer.unref();
  }
}
