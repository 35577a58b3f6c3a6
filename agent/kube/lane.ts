import { Debts } from './debts.ts';

/** First in, first out. Not `Array.shift`, which moves everything that is left. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** A place in the line; what was deleted stays there until its turn comes. */
interface Place {
  readonly key: string;
  deleted: boolean;
}

/** Keys `namespace/name` in the order in which they came, but with the namespaces taking turns, by what they owe. */
export class Lane {
  readonly #debts: Debts;
  readonly #places = new Map<string, Place>();
  readonly #lines = new Map<string, Fifo<Place>>();
  /** Namespaces with a line, the next one first. */
  readonly #turns = new Fifo<string>();
  /** Namespaces with a line that are given nothing before `resume`. */
  #resting: string[] = [];

  constructor(debts = new Debts()) {
    this.#debts = debts;
  }

  get size(): number {
    return this.#places.size;
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  add(key: string): void {
    if (this.#places.has(key)) return;
    const place = { key, deleted: false };
    this.#places.set(key, place);
    const namespace = key.slice(0, key.indexOf('/'));
    let line = this.#lines.get(namespace);
    if (line === undefined) {
      this.#lines.set(namespace, (line = new Fifo()));
      this.#turns.push(namespace);
    }
    line.push(place);
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    place.deleted = true;
    this.#places.delete(key);
  }

  /** Takes the next key out. Namespaces that are `full` have no turn before `resume`. */
  shift(full: (namespace: string) => boolean = () => false): string | undefined {
    while (!this.#turns.empty) {
      const namespace = this.#turns.shift()!;
      if (full(namespace)) {
        this.#resting.push(namespace);
        continue;
      }
      const line = this.#lines.get(namespace)!;
      if (!this.#turns.empty && this.#debts.sitsOut(namespace)) {
        this.#turns.push(namespace);
        continue;
      }
      let place: Place | undefined;
      while (!line.empty && (place === undefined || place.deleted)) place = line.shift();
      if (line.empty) this.#lines.delete(namespace);
      else this.#turns.push(namespace);
      if (place === undefined || place.deleted) continue;
      this.#places.delete(place.key);
      return place.key;
    }
    return undefined;
  }

  /** Namespaces that were full have turns again. */
  resume(): void {
    for (const namespace of this.#resting) this.#turns.push(namespace);
    this.#resting = [];
  }
}
