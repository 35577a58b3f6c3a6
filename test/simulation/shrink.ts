import type { Event } from './event.ts';
import type { Violation } from './observer.ts';
import { run, type RunOptions } from './run.ts';
import type { Setting } from './setting.ts';

/** What is left of a failure: no event can be left out of it. */
export interface Shrunk {
  setting: Setting;
  events: Event[];
  violation: Violation;
  /** Runs that it took. */
  runs: number;
}

/**
 * Leaves out events, many at a time and then one by one, as long as the invariant is still violated; then takes away
 * agents and resources that are not needed. Undefined if the failure does not come again.
 */
export async function shrink(
  setting: Setting,
  events: readonly Event[],
  invariant: string,
  mostRuns = 400,
): Promise<Shrunk | undefined> {
  let runs = 0;
  const fails = async (setting: Setting, events: readonly Event[]): Promise<Violation | undefined> => {
    if (++runs > mostRuns) return undefined;
    const options: RunOptions = { until: invariant };
    const { violations } = await run(setting, events, options);
    return violations.find((one) => one.invariant === invariant);
  };
  const first = await fails(setting, events);
  if (first === undefined) return undefined;
  let best: Omit<Shrunk, 'runs'> = { setting, events: [...events], violation: first };
  const attempt = async (setting: Setting, events: Event[]): Promise<boolean> => {
    const violation = await fails(setting, events);
    if (violation !== undefined) best = { setting, events, violation };
    return violation !== undefined;
  };

  // What comes after the violation has no part in it.
  const before = best.events.filter(({ at }) => at <= first.at);
  await attempt({ ...setting, minutes: Math.ceil(first.at / 60_000) }, before);
  for (let size = Math.ceil(best.events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < best.events.length;) {
      const left = best.events.toSpliced(start, size);
      if (!(await attempt(best.setting, left))) start += size;
    }
  }
  for (const agents of [1, 2]) {
    if (agents < best.setting.agents && (await attempt({ ...best.setting, agents }, best.events))) break;
  }
  const named = best.events.map((event) =>
    'resource' in event && typeof event.resource === 'number' ? event.resource : 0,
  );
  const resources = Math.max(1, ...named.map((one) => one + 1));
  if (resources < best.setting.resources) await attempt({ ...best.setting, resources }, best.events);
  return { ...best, runs };
}
