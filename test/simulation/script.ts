import { Chance } from './chance.ts';
import type { Event } from './event.ts';
import type { Setting } from './setting.ts';
import { SOURCES } from './sources.ts';

/** A quiet world: secrets change now and then, and nothing else happens. */
export const CALM = ['rotations'];

/** The first minute belongs to the agents, which start. */
const BEGIN_MS = 60_000;
const SHARE = 0.3;

/**
 * What may happen in a world of this seed: some of all there is. A few kinds at a time find more than all at once, where
 * one hides what another would show.
 */
export function swarmOf(seed: number): string[] {
  const chance = new Chance(seed, 'swarm');
  return Object.keys(SOURCES).filter((name) => chance.happens(SHARE) || name === 'rotations');
}

/** What happens in a world of this seed, in order. */
export function scriptOf(setting: Setting, names: readonly string[] = swarmOf(setting.seed)): Event[] {
  const end = setting.minutes * 60_000;
  const events: Event[] = [];
  for (const name of names) {
    const { meanMinutes, make } = SOURCES[name]!;
    const chance = new Chance(setting.seed, `source ${name}`);
    const wait = (): number => chance.wait(meanMinutes * 60_000);
    for (let at = BEGIN_MS + wait(); at < end; at += wait())
      for (const { after = 0, ...happening } of make(chance, setting))
        events.push({ at: at + after, ...happening } as Event);
  }
  // What mends something comes even after the end.
  return events.sort((one, other) => one.at - other.at);
}
