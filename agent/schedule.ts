import type { Clock } from './clock.ts';

interface Entry {
  id: string;
  /** Unix milliseconds. */
  at: number;
  run: () => void;
  /** Position in the heap, kept so that an entry can be moved or removed without a search. */
  index: number;
}

/**
 * All due times of the agent in one binary heap with one timer. An id has one due time: setting it again
 * moves it. Callbacks run from the timer, in order of their due times, and must not throw.
 */
export class Schedule {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<string, Entry>();
  #cancel: (() => void) | undefined;
  #armedFor = Infinity;

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** When `id` is due, Unix milliseconds. */
  dueAt(id: string): number | undefined {
    return this.#entries.get(id)?.at;
  }

  /** Calls `run` once at `at` (Unix milliseconds); replaces what was set for `id`. */
  set(id: string, at: number, run: () => void): void {
    const known = this.#entries.get(id);
    if (known) {
      known.at = at;
      known.run = run;
      this.#sift(known);
    } else {
      const entry = { id, at, run, index: this.#heap.length };
      this.#entries.set(id, entry);
      this.#heap.push(entry);
      this.#sift(entry);
    }
    this.#arm();
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#remove(entry);
    this.#arm();
  }

  clear(): void {
    this.#heap.length = 0;
    this.#entries.clear();
    this.#arm();
  }

  #fire(): void {
    this.#armedFor = Infinity;
    this.#cancel = undefined;
    const now = this.#clock.now();
    for (let first = this.#heap[0]; first && first.at <= now; first = this.#heap[0]) {
      this.#remove(first);
      first.run();
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0]?.at ?? Infinity;
    if (first === this.#armedFor) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedFor = first;
    if (first !== Infinity)
      this.#cancel = this.#clock.after(Math.max(0, first - this.#clock.now()), () => this.#fire());
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.id);
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    last.index = entry.index;
    this.#heap[last.index] = last;
    this.#sift(last);
  }

  /** Restores the heap's order around an entry whose due time changed. */
  #sift(entry: Entry): void {
    for (;;) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (entry.index === 0 || !parent || parent.at <= entry.at) break;
      this.#swap(entry, parent);
    }
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const child = right && left && right.at < left.at ? right : left;
      if (!child || child.at >= entry.at) break;
      this.#swap(entry, child);
    }
  }

  #swap(a: Entry, b: Entry): void {
    [a.index, b.index] = [b.index, a.index];
    this.#heap[a.index] = a;
    this.#heap[b.index] = b;
  }
}
