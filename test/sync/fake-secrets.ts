import type { Clock } from '../../agent/clock.ts';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import { SecretApiError, type Guard, type Refusal, type SecretApi } from '../../agent/target/secret-api.ts';

interface Body {
  metadata: {
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { uid: string }[];
  };
  data?: Record<string, string>;
}

interface Stored {
  meta: SecretMeta;
  /** Base64 by key, the agents' fields alone. */
  ours: Record<string, string>;
  /** What the agents last declared, to tell a no-op. */
  declared: string;
}

export interface Call {
  verb: 'get' | 'differs' | 'apply' | 'delete';
  name: string;
  at: number;
  force?: boolean;
  body?: Body;
}

/** Secrets of namespace `team-a` as the write protocol sees them: enough of server-side apply to try it on. */
export class FakeSecrets implements SecretApi {
  readonly calls: Call[] = [];
  readonly #stored = new Map<string, Stored>();
  readonly #clock: Clock;
  /** Who watches. */
  onChange: (now: SecretMeta | undefined, before: SecretMeta | undefined) => void = () => {};
  /** What the next applies are refused with; called with the name, `undefined` lets it through. */
  refuse: (name: string) => Refusal | SecretApiError | undefined = () => undefined;
  /** Called before each apply, as somebody who is faster. */
  beforeApply: (name: string) => void = () => {};
  /** Called after each apply, before its answer arrives. */
  afterApply: (name: string) => void = () => {};
  #version = 1_000;
  #serial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  all(): SecretMeta[] {
    return [...this.#stored.values()].map(({ meta }) => meta);
  }

  get writes(): Call[] {
    return this.calls.filter(({ verb }) => verb === 'apply' || verb === 'delete');
  }

  stored(name: string): SecretMeta | undefined {
    return this.#stored.get(name)?.meta;
  }

  /** Value of one key that the agents wrote. */
  value(name: string, key = 'password'): string | undefined {
    const text = this.#stored.get(name)?.ours[key];
    return text === undefined ? undefined : Buffer.from(text, 'base64').toString();
  }

  async get(_namespace: string, name: string): Promise<SecretMeta | undefined> {
    this.calls.push({ verb: 'get', name, at: this.#clock.now() });
    const meta = this.stored(name);
    return meta && { ...meta, seenAt: this.#clock.now() };
  }

  async differs(_namespace: string, name: string, data: ReadonlyMap<string, Uint8Array>) {
    this.calls.push({ verb: 'differs', name, at: this.#clock.now() });
    const stored = this.#stored.get(name);
    if (!stored) return undefined;
    const wanted = Object.fromEntries(
      [...data].map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    const differs = JSON.stringify(stored.ours) !== JSON.stringify(wanted) || stored.declared === '';
    return { meta: stored.meta, differs };
  }

  async apply(
    namespace: string,
    name: string,
    object: object,
    { force, guard }: { force: boolean; guard: Guard },
  ): Promise<{ created: boolean; meta: SecretMeta }> {
    const body = object as Body;
    if (!guard()) throw new SecretApiError('guarded');
    this.calls.push({ verb: 'apply', name, at: this.#clock.now(), force, body });
    this.beforeApply(name);
    const refusal = this.refuse(name);
    if (refusal) throw typeof refusal === 'string' ? new SecretApiError(refusal) : refusal;
    const { uid, resourceVersion, labels = {}, annotations = {}, ownerReferences = [] } = body.metadata;
    const known = this.#stored.get(name);
    if (uid !== undefined && known?.meta.uid !== uid) throw new SecretApiError('stale');
    // Where nothing is the version is ignored (seen on kube-apiserver 1.37).
    if (known && resourceVersion !== undefined && known.meta.resourceVersion !== resourceVersion)
      throw new SecretApiError('stale');
    const declared = JSON.stringify([body.data, labels, annotations, ownerReferences]);
    const revision = Number(annotations['vsecm.com/revision'] ?? 0);
    if (known?.declared === declared) return { created: false, meta: known.meta };
    const meta = this.#put(namespace, name, {
      managed: labels['vsecm.com/managed'] === 'true',
      createdByAgent: labels['app.kubernetes.io/managed-by'] === 'vsecm-agent',
      appliedAt: wholeSeconds(this.#clock.now()),
      ours: JSON.stringify([Object.keys(body.data ?? {}), Object.keys(labels), ownerReferences]),
      ownerUids: ownerReferences.map((owner) => owner.uid),
      adoptable: known?.meta.adoptable ?? false,
      ...(revision > 0 && { revision }),
    });
    Object.assign(this.#stored.get(name)!, { ours: body.data ?? {}, declared });
    this.afterApply(name);
    return { created: known === undefined, meta };
  }

  async delete(meta: SecretMeta, guard: Guard): Promise<void> {
    if (!guard()) throw new SecretApiError('guarded');
    this.calls.push({ verb: 'delete', name: meta.name, at: this.#clock.now() });
    const refusal = this.refuse(meta.name);
    if (refusal) throw typeof refusal === 'string' ? new SecretApiError(refusal) : refusal;
    if (this.stored(meta.name)?.resourceVersion !== meta.resourceVersion) throw new SecretApiError('stale');
    this.remove(meta.name);
  }

  /** Somebody makes a Secret, or takes over what agents wrote in it. */
  edit(name: string, change: Partial<SecretMeta> = {}): SecretMeta {
    const ours = this.stored(name)?.appliedAt === undefined ? '' : 'what is left';
    return this.#put('team-a', name, { ours, ...this.#byOther(), ...change }, '');
  }

  /** Somebody changes what is their own. */
  touch(name: string, change: Partial<SecretMeta> = {}): SecretMeta {
    return this.#put('team-a', name, { ...this.#byOther(), ...change });
  }

  /** Another agent writes it, with other content. */
  takeOver(name: string): SecretMeta {
    return this.#put('team-a', name, { appliedAt: wholeSeconds(this.#clock.now()) }, '');
  }

  remove(name: string): void {
    const before = this.stored(name);
    this.#stored.delete(name);
    if (before) this.onChange(undefined, before);
  }

  #byOther(): Pick<SecretMeta, 'others' | 'lastOther'> {
    return { others: `edit ${++this.#serial}`, lastOther: 'kubectl-edit' };
  }

  #put(namespace: string, name: string, change: Partial<SecretMeta>, declared?: string): SecretMeta {
    const known = this.#stored.get(name);
    const meta: SecretMeta = {
      key: `${namespace}/${name}`,
      namespace,
      name,
      uid: known?.meta.uid ?? `secret-${++this.#serial}`,
      managed: false,
      createdByAgent: false,
      adoptable: false,
      appliedAt: undefined,
      ours: '',
      others: '',
      lastOther: '',
      ownerUids: [],
      deleting: false,
      ...known?.meta,
      ...change,
      resourceVersion: String(++this.#version),
      seenAt: this.#clock.now(),
    };
    this.#stored.set(name, { ours: {}, ...known, declared: declared ?? known?.declared ?? '', meta });
    this.onChange(meta, known?.meta);
    return meta;
  }
}

/** As managedFields are dated. */
const wholeSeconds = (ms: number): string => new Date(ms - (ms % 1000)).toISOString();
