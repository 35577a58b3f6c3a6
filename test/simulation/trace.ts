import { createHash } from 'node:crypto';
import type { Timeline } from './timeline.ts';

/** Lines that are kept for the neighbourhood of a failure. */
const KEPT = 20_000;

/** What happened, in words and in order. Two runs are equal if the hashes of their traces are. */
export class Trace {
  readonly #timeline: Timeline;
  readonly #hash = createHash('sha256');
  readonly #print: ((line: string) => void) | undefined;
  #lines: string[] = [];
  #hashed: string[] = [];
  #count = 0;

  constructor(timeline: Timeline, print?: (line: string) => void) {
    this.#timeline = timeline;
    this.#print = print;
  }

  get count(): number {
    return this.#count;
  }

  say(who: string, what: string): void {
    const line = `${((this.#timeline.now - this.#timeline.start) / 1000).toFixed(3).padStart(9)} ${who.padEnd(10)} ${what}`;
    this.#count += 1;
    this.#print?.(line);
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
    this.#hashed.push(line);
    if (this.#hashed.length < 1_000) return;
    this.#hash.update(this.#hashed.join('\n'));
    this.#hashed = [];
  }

  /** The last lines, those that name all the words if any are given. */
  last(count: number, ...words: string[]): string[] {
    return this.#lines.filter((line) => words.every((word) => line.includes(word))).slice(-count);
  }

  /** Ends the trace. */
  digest(): string {
    return this.#hash.update(this.#hashed.join('\n')).digest('hex').slice(0, 16);
  }
}
