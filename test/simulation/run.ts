import type { Event } from './event.ts';
import { Observer, type Violation } from './observer.ts';
import { BACKOFF_CAP_MS, HANDOFF_MS, type Setting } from './setting.ts';
import { Timeline } from './timeline.ts';
import { Trace } from './trace.ts';
import { World } from './world.ts';

export interface Outcome {
  setting: Setting;
  events: readonly Event[];
  violations: readonly Violation[];
  /** Of the trace. */
  hash: string;
  steps: number;
  simulatedHours: number;
  wallSeconds: number;
  /** Requests of agents by verb and resource, and to Safe. */
  requests: Record<string, number>;
  /** Characters that agents were sent by the API server, by the same; objects in them are smaller than real ones. */
  characters: Record<string, number>;
  trace: Trace;
}

/** After the last event all is to settle: floor, longest backoff, hand-over. */
const SETTLING_MS = BACKOFF_CAP_MS + HANDOFF_MS + 60_000;
/** Enough to know what is wrong. */
const MOST_VIOLATIONS = 50;

export interface RunOptions {
  /** Prints each line of the trace as it comes. */
  print?: (line: string) => void;
  /** Ends at the first violation of this invariant. */
  until?: string;
}

/** When an event has no effect of its own any more, milliseconds since the start. */
const endOf = (event: Event): number =>
  event.at +
  ('ms' in event && event.do !== 'skew' ? event.ms : 0) +
  ('expiresMs' in event ? (event.expiresMs ?? 0) : 0);

/** One world with its events, from beginning to end. */
export async function run(
  setting: Setting,
  events: readonly Event[],
  { print, until }: RunOptions = {},
): Promise<Outcome> {
  const began = performance.now();
  const timeline = new Timeline();
  const trace = new Trace(timeline, print);
  let observer!: Observer;
  const world = new World(setting, timeline, trace, (made) => (observer = new Observer(made, trace)));
  for (const event of events)
    timeline.at(timeline.start + event.at, () => {
      observer.noteEvent(event);
      world.perform(event);
    });
  const end = Math.max(setting.minutes * 60_000, ...events.map(endOf)) + SETTLING_MS;
  const { violations } = observer;
  const goOn = (): boolean =>
    violations.length < MOST_VIOLATIONS &&
    (until === undefined || !violations.some(({ invariant }) => invariant === until));
  await timeline.runUntil(timeline.start + end, goOn);
  if (goOn()) observer.end();
  for (const process of world.kubelets.processes) process.kill();
  return {
    setting,
    events,
    violations,
    hash: trace.digest(),
    steps: timeline.steps,
    simulatedHours: (timeline.now - timeline.start) / 3_600_000,
    wallSeconds: (performance.now() - began) / 1000,
    requests: { ...Object.fromEntries(observer.requests), safe: world.safe.requests },
    characters: Object.fromEntries(observer.characters),
    trace,
  };
}
