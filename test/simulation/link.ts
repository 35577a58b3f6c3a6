import type { Chance } from './chance.ts';
import type { Timeline } from './timeline.ts';

/**
 * One direction of one connection: everything arrives, in order, some time later. While it is cut nothing arrives, and
 * nobody is told; what was sent meanwhile arrives after the cut, as TCP sends it again.
 */
export class Link {
  /** Slowest passage at present, milliseconds. */
  slowestMs = 8;
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  #cutUntil = -Infinity;
  #lastAt = 0;

  constructor(timeline: Timeline, chance: Chance) {
    this.#timeline = timeline;
    this.#chance = chance;
  }

  cut(ms: number): void {
    this.#cutUntil = Math.max(this.#cutUntil, this.#timeline.now + ms);
  }

  get isCut(): boolean {
    return this.#cutUntil > this.#timeline.now;
  }

  carry(arrive: () => void): void {
    const passage = 0.3 + this.slowestMs * this.#chance.next() ** 2;
    const sentAt = Math.max(this.#timeline.now, this.#cutUntil);
    this.#lastAt = Math.max(this.#lastAt, sentAt + passage);
    this.#timeline.at(this.#lastAt, () => {
      // Cut while it was on its way.
      if (this.isCut) this.carry(arrive);
      else arrive();
    });
  }
}
