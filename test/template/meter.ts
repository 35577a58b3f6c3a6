import type { Meter } from '../../agent/template/render.ts';

/** Allows so many characters, and keeps account. */
export class CountingMeter implements Meter {
  taken = 0;
  readonly #most: number;

  constructor(most = 4 * 1024 * 1024) {
    this.#most = most;
  }

  left(): number {
    return this.#most - this.taken;
  }

  take(characters: number): void {
    this.taken += characters;
    if (this.taken > this.#most) throw new Error('too much');
  }
}
