import type { Clock } from '../clock.ts';
import { isOlderVersion } from '../api/object-meta.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { Known } from '../decide/known.ts';

/** A store that a watch keeps up to date. */
export interface Store<T> {
  get(key: string): T | undefined;
}

interface Entry {
  /** The newest version that is known, from wherever. */
  meta: SecretMeta | undefined;
  how: Known['how'];
  at: number;
  wasThere: boolean;
  /** The newest version that another agent may have written, and when it was first seen. */
  byAgent: { version: string; at: number } | undefined;
  /** The newest version that this process wrote. */
  own: string | undefined;
  /** Counts what changed: what was begun before a change does not decide after it. */
  changes: number;
}

/**
 * What is known of Secrets, by name, from three sources: the watch, look-ups, and the answers to writes. The newer
 * one stands; what a look-up brings after the watch has told something else is dropped.
 */
export class Knowledge {
  readonly #shown: Store<SecretMeta>;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  /** @param options.shown the Secrets that the watch shows */
  constructor(options: { shown: Store<SecretMeta>; clock: Clock }) {
    this.#shown = options.shown;
    this.#clock = options.clock;
  }

  /** Secrets of which something is kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** The Secret `namespace/name`. */
  of(key: string): Known {
    const { how, meta, at, wasThere, byAgent, own } = this.#entry(key);
    const covered = byAgent && own !== undefined && !isOlderVersion(own, byAgent.version);
    const rest = { wasThere, agentWroteAt: covered ? undefined : byAgent?.at };
    if (how === 'shown' || how === 'lookedUp') return { how, meta: meta!, at, ...rest };
    if (how === 'gone' || how === 'absent') return { how, at, ...rest };
    return { how, ...rest };
  }

  /** Changes whenever something new is learned of the Secret. */
  mark(key: string): number {
    return this.#entry(key).changes;
  }

  /** The watch shows a Secret that is new or changed, or shows it no more (`now` undefined). */
  watched(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    const key = (now ?? before)!.key;
    const entry = this.#entries.get(key);
    if (!entry) return;
    const { meta } = entry;
    if (now) {
      if (meta?.uid === now.uid && !isOlderVersion(meta.resourceVersion, now.resourceVersion)) {
        // Borne out: what we knew already.
        if (meta.resourceVersion === now.resourceVersion && entry.how === 'lookedUp') entry.how = 'shown';
        return;
      }
      this.#learn(entry, 'shown', now, this.#clock.now());
    } else {
      // The end of one that has been followed by another already.
      if (meta && before && meta.uid !== before.uid) return;
      this.#learn(entry, 'gone', undefined, this.#clock.now());
    }
  }

  /**
   * A look-up has ended.
   * @param begun what `mark` said, and the time, when it was begun
   */
  lookedUp(key: string, meta: SecretMeta | undefined, begun: { mark: number; at: number }): void {
    const entry = this.#entry(key);
    const newer =
      meta !== undefined &&
      entry.meta?.uid === meta.uid &&
      isOlderVersion(entry.meta.resourceVersion, meta.resourceVersion);
    if (entry.changes !== begun.mark && !newer) return;
    this.#learn(entry, meta ? this.#howOf(meta) : 'absent', meta, begun.at);
  }

  /** This process wrote it, or found it as it had been written before. */
  wrote(meta: SecretMeta): void {
    const entry = this.#entry(meta.key);
    const known = entry.meta;
    if (entry.own === undefined || isOlderVersion(entry.own, meta.resourceVersion))
      entry.own = meta.resourceVersion;
    // The watch may have been faster, and have shown more, or its end.
    const told = entry.how === 'shown' || entry.how === 'gone';
    if (told && known?.uid === meta.uid && !isOlderVersion(known.resourceVersion, meta.resourceVersion))
      return;
    Object.assign(entry, { how: this.#howOf(meta), meta, at: this.#clock.now(), wasThere: true });
    entry.changes += 1;
  }

  /** This process deleted it. */
  deleted(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) this.#learn(entry, 'gone', undefined, this.#clock.now());
  }

  /** A write found that it is not as it was known. */
  doubt(key: string, mark: number): void {
    const entry = this.#entry(key);
    if (entry.changes !== mark) return;
    entry.how = 'doubted';
    entry.changes += 1;
  }

  /** Nobody names it any more. */
  forget(key: string): void {
    this.#entries.delete(key);
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      const shown = this.#shown.get(key);
      entry = {
        meta: shown,
        how: shown ? 'shown' : 'unknown',
        at: shown?.seenAt ?? 0,
        wasThere: shown !== undefined,
        byAgent: shown && writer(undefined, shown) === 'agent' ? versionOf(shown) : undefined,
        own: undefined,
        changes: 0,
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** What the watch shows already it will not show again. */
  #howOf({ key, uid, resourceVersion }: SecretMeta): 'shown' | 'lookedUp' {
    const shown = this.#shown.get(key);
    return shown?.uid === uid && shown.resourceVersion === resourceVersion ? 'shown' : 'lookedUp';
  }

  #learn(entry: Entry, how: Known['how'], meta: SecretMeta | undefined, at: number): void {
    entry.changes += 1;
    entry.how = how;
    entry.at = at;
    if (!meta) return;
    const { own } = entry;
    const isOwn = own === meta.resourceVersion;
    if (!isOwn && writer(entry.meta, meta) === 'agent')
      entry.byAgent = { version: meta.resourceVersion, at: this.#clock.now() };
    entry.meta = meta;
    entry.wasThere = true;
  }
}

const versionOf = (meta: SecretMeta) => ({ version: meta.resourceVersion, at: meta.seenAt });

/**
 * Who made a version of a Secret out of the one before, as far as metadata tells. `somebody` needs evidence: what no
 * agent changes has changed, or our fields went without a new date. managedFields are dated by whole seconds, so a
 * second write of an agent within one may show nothing at all: without evidence it counts as an agent's.
 */
export function writer(before: SecretMeta | undefined, now: SecretMeta): 'agent' | 'somebody' {
  if (now.appliedAt === undefined) return 'somebody';
  if (!before || before.uid !== now.uid || before.appliedAt !== now.appliedAt) return 'agent';
  return before.others !== now.others || before.ours !== now.ours ? 'somebody' : 'agent';
}
