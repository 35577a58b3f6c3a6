import { pause } from '../backoff.ts';
import { dateOf, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';

export interface SightOptions {
  /** Whether the members have been unknown for too long. */
  blind: () => boolean;
  /** Called when they are known again. */
  onSighted: () => void;
  clock: Clock;
  log: Log;
}

/** How often it is asked whether the watch on the members still speaks. */
export const CHECK_MS = 1_000;

/** Tells that the members are not known, and that they are known again, until `signal` is aborted. */
export async function tellSight(options: SightOptions, signal: AbortSignal): Promise<void> {
  const { blind, onSighted, clock, log } = options;
  const outage = new Outage({ clock });
  while (!signal.aborted) {
    await pause(clock, CHECK_MS, signal);
    if (signal.aborted) return;
    if (blind()) {
      if (outage.failed('blind') === undefined) continue;
      const since = dateOf(clock, outage.since).toISOString();
      log.warn('The members have not been known for too long; nothing is owned until they are', { since });
      continue;
    }
    const ended = outage.ended();
    if (ended === undefined) continue;
    log.info('The members are known again', { durationSeconds: ended.durationSeconds });
    onSighted();
  }
}
