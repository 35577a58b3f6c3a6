/** Which resources use which secret of one Safe, so that a change is told to those that it concerns. */
export class SecretUsers {
  readonly #users = new Map<string, Set<string>>();
  readonly #uses = new Map<string, readonly string[]>();
  /** Resources that any change may concern. */
  readonly #unsettled = new Set<string>();

  /** Notes the names of the secrets that a resource's content comes from; none: it uses nothing. */
  use(key: string, names: readonly string[]): void {
    this.#unsettled.delete(key);
    for (const name of this.#uses.get(key) ?? []) {
      const users = this.#users.get(name);
      users?.delete(key);
      if (users?.size === 0) this.#users.delete(name);
    }
    this.#uses.delete(key);
    if (names.length === 0) return;
    this.#uses.set(key, names);
    for (const name of names) {
      const users = this.#users.get(name);
      if (users) users.add(key);
      else this.#users.set(name, new Set([key]));
    }
  }

  /** The resource could not be resolved: any change may concern it. */
  useAny(key: string): void {
    this.use(key, []);
    this.#unsettled.add(key);
  }

  /** The resources that a change of these secrets may concern, some perhaps several times. */
  *concerned(changed: ReadonlySet<string>): Iterable<string> {
    if (changed.size === 0) return;
    yield* this.#unsettled;
    for (const name of changed) yield* this.#users.get(name) ?? [];
  }
}
