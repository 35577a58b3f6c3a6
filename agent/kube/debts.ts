/** What a turn is worth, milliseconds: ordinary keys take less, so that their namespaces never sit out. */
const TURN_MS = 5;
/** What a namespace can owe at most, milliseconds: it sits out 40 turns of the others, and is then as good as new. */
const MOST_MS = 200;

/** What namespaces took of the time of all beyond one turn after the other. */
export class Debts {
  readonly #owed = new Map<string, number>();

  add(namespace: string, ms: number): void {
    const owed = Math.min(MOST_MS, (this.#owed.get(namespace) ?? 0) + ms);
    if (owed >= TURN_MS) this.#owed.set(namespace, owed);
  }

  /** At a turn of the namespace: pays with it if it owes one, and then gets nothing for it. */
  sitsOut(namespace: string): boolean {
    const owed = this.#owed.get(namespace);
    if (owed === undefined) return false;
    if (owed - TURN_MS < TURN_MS) this.#owed.delete(namespace);
    else this.#owed.set(namespace, owed - TURN_MS);
    return true;
  }
}
