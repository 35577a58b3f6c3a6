import type { SecretMeta } from '../api/secret-meta.ts';

/** Which Secrets, of those that the watch shows, are owned by which VSecMSecret and were written for it. */
export class OwnedSecrets {
  readonly #byOwner = new Map<string, Set<string>>();

  /** The watch shows a Secret that is new or changed, or shows it no more (`now` undefined). */
  watched(now: SecretMeta | undefined, before: SecretMeta | undefined): void {
    for (const uid of before?.ownerUids ?? []) {
      const keys = this.#byOwner.get(uid);
      keys?.delete(before!.key);
      if (keys?.size === 0) this.#byOwner.delete(uid);
    }
    // A copy that somebody made has our owner reference and label, and nothing that an agent applied.
    if (!now || now.appliedAt === undefined) return;
    for (const uid of now.ownerUids) {
      const keys = this.#byOwner.get(uid);
      if (keys) keys.add(now.key);
      else this.#byOwner.set(uid, new Set([now.key]));
    }
  }

  /** The Secrets of an owner, `namespace/name`. */
  of(uid: string): Iterable<string> {
    return this.#byOwner.get(uid) ?? [];
  }
}
