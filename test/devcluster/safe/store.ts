import { randomBytes } from 'node:crypto';
import { goJson } from './go-json.ts';
import { goTime, NEVER, nowNanos, printNanos } from './go-time.ts';
import { transform } from './transform.ts';

/** What a registration says; `name` as Safe keys it, with `raw:` where it belongs to no workload. */
export interface Registration {
  name: string;
  value: string;
  /** Default `["default"]`, also when an earlier registration said otherwise. */
  namespaces?: readonly string[];
  template?: string;
  /** `json`, `yaml`; Safe stores any other text too. */
  format?: string;
  /** RFC 3339 or `now`; anything else is now. */
  notBefore?: string;
  /** RFC 3339 or `never`; anything else is never. */
  expires?: string;
}

interface Stored {
  name: string;
  value: string;
  valueTransformed: string;
  meta: { namespaces: readonly string[]; template: string; Format: string; correlationId: string };
  created: string;
  updated: string;
  notBefore: string;
  expiresAfter: string;
}

/** What a restart does besides losing what was never saved. */
export interface RestartOptions {
  /** No root key until `giveRootKey`. */
  manual?: boolean;
  /** Names whose files cannot be read; `all` is the wrong root key. */
  lose?: readonly string[] | 'all';
  /** Names that come back as they were before their last registration. */
  older?: readonly string[];
  /** Names that come back although they were deleted. */
  revive?: readonly string[];
}

/** What VSecM Safe 0.28 holds in memory and what it has saved, with what is known of how it loses things. */
export class SafeStore {
  hasRootKey = true;
  readonly #nanos: () => bigint;
  readonly #random: () => number;
  readonly #secrets = new Map<string, Stored>();
  readonly #saved = new Map<string, Stored>();
  /** All versions ever saved, the newest last. */
  readonly #history = new Map<string, Stored[]>();
  readonly #unprintable = new Set<string>();
  /** A name that cannot be saved holds up the queue for good. */
  #stuck = false;
  /** Before the first read after a restart a deletion deletes nothing. */
  #loaded = true;

  /**
   * @param options.nanos Unix nanoseconds, no two alike; default the machine's
   * @param options.random in [0, 1): Go's maps have an order of their own each time
   */
  constructor({
    nanos = nowNanos,
    random = Math.random,
  }: { nanos?: () => bigint; random?: () => number } = {}) {
    this.#nanos = nanos;
    this.#random = random;
  }

  /** Stores a secret, replacing all of one with the same name. An empty value is never stored. */
  register(registration: Registration): void {
    const { name, value, template = '', format = '', namespaces = [] } = registration;
    if (value === '') return;
    const nanos = this.#nanos();
    const updated = printNanos(nanos);
    const notBefore = goTime(registration.notBefore ?? '');
    const expires = goTime(registration.expires ?? '');
    this.#unprintable.delete(name);
    if (notBefore?.printable === false || expires?.printable === false) this.#unprintable.add(name);
    const stored: Stored = {
      name,
      value,
      valueTransformed: transform(value, template, format),
      meta: {
        namespaces: namespaces.length > 0 ? [...namespaces] : ['default'],
        template,
        Format: format,
        correlationId: randomBytes(6).toString('base64url'),
      },
      created: this.#secrets.get(name)?.created ?? updated,
      updated,
      notBefore: notBefore?.printed ?? printNanos(nanos - 60_000n),
      expiresAfter: expires?.printed ?? NEVER,
    };
    this.#secrets.set(name, stored);
    this.#save(stored);
  }

  delete(name: string): void {
    if (!this.#loaded) return;
    this.#secrets.delete(name);
    this.#saved.delete(name);
    this.#unprintable.delete(name);
  }

  restart(options: RestartOptions = {}): void {
    const { lose = [], older = [], revive = [] } = options;
    this.hasRootKey = options.manual !== true;
    this.#loaded = false;
    this.#stuck = false;
    for (const name of revive) this.#comeBack(name, -1);
    for (const name of older) this.#comeBack(name, -2);
    if (lose === 'all') this.#saved.clear();
    else for (const name of lose) this.#saved.delete(name);
    this.#secrets.clear();
    for (const [name, stored] of this.#saved) this.#secrets.set(name, stored);
  }

  /** The body that vsecm-scout is answered with; `undefined`: 404. */
  rawAnswer(): string | undefined {
    this.#loaded = true;
    const raw = [...this.#secrets.values()].filter(({ name }) => name.startsWith('raw:'));
    const [first] = raw;
    if (!first) return undefined;
    if (raw.some(({ name }) => this.#unprintable.has(name))) return envelope('');
    return envelope(
      raw.length === 1 ? first.valueTransformed || first.value : goJson(shuffled(raw, this.#random)),
    );
  }

  /** The body that any other workload is answered with; `undefined`: 404. */
  workloadAnswer(name: string): string | undefined {
    this.#loaded = true;
    const stored = this.#secrets.get(name);
    if (!stored) return undefined;
    const quoted = (time: string): string => `"${time.slice(0, 19)}Z"`;
    return envelope(stored.valueTransformed || stored.value, quoted(stored.created), quoted(stored.updated));
  }

  #save(stored: Stored): void {
    if (/\.age|\//.test(stored.name) || stored.name.length >= 300) this.#stuck = true;
    if (this.#stuck) return;
    this.#saved.set(stored.name, stored);
    this.#history.set(stored.name, [...(this.#history.get(stored.name) ?? []), stored]);
  }

  #comeBack(name: string, version: number): void {
    const stored = this.#history.get(name)?.at(version);
    if (!stored) throw new Error(`there is no such version of ${JSON.stringify(name)}`);
    this.#saved.set(name, stored);
  }
}

const envelope = (data: string, created = '', updated = ''): string => goJson({ data, created, updated });

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
