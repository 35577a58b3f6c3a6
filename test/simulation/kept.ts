import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Event } from './event.ts';
import type { Shrunk } from './shrink.ts';
import type { Setting } from './setting.ts';

/** A failure that was found once, as its script: seeds mean something else after the next change of the world. */
export interface Kept {
  name: string;
  /** The invariant that was violated. */
  invariant: string;
  /** What was violated, in the words of that run. */
  violation: string;
  /** What it waits for; absent once that is mended. */
  awaits?: string;
  setting: Setting;
  events: Event[];
}

const FOLDER = new URL('./scripts/', import.meta.url);

export function keptScripts(): Kept[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')));
}

export function keep(name: string, { setting, events, violation }: Shrunk, awaits?: string): void {
  const kept: Kept = {
    name,
    invariant: violation.invariant,
    violation: violation.text,
    ...(awaits !== undefined && { awaits }),
    setting,
    events,
  };
  writeFileSync(new URL(`${name}.json`, FOLDER), `${JSON.stringify(kept, undefined, 2)}\n`);
}
