import { stageOf } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import type { Fetchers } from '../fetch/fetchers.ts';
import type { RefreshGroups } from '../fetch/groups.ts';
import { stateOf } from './resource-state.ts';
import { troubleOf, type Subject } from './subject.ts';

export interface GaugesOptions {
  subjects: ReadonlyMap<string, Subject>;
  fetchers: Pick<Fetchers, 'all'>;
  groups: Pick<RefreshGroups, 'sizes'>;
  clock: Clock;
  metrics: Metrics;
}

/** Intervals are what tenants write, so they are counted in classes: up to so many milliseconds. */
const INTERVALS = [
  ['1m', 60_000],
  ['10m', 600_000],
  ['1h', 3_600_000],
  ['1d', 86_400_000],
  ['longer', Infinity],
] as const;

/** Sets the gauges that are counted when somebody asks; a label that no longer applies goes. */
export function setGauges({ subjects, fetchers, groups, clock, metrics }: GaugesOptions): void {
  const states = { synced: 0, failing: 0, waiting: 0, suspended: 0 };
  let stale = 0;
  metrics.failingResources.reset();
  for (const subject of subjects.values()) {
    states[stateOf(subject)] += 1;
    const trouble = troubleOf(subject);
    if (trouble) metrics.failingResources.inc({ stage: trouble.stage, code: trouble.code });
    if (subject.facts.told.status.conditions?.some((one) => one.type === 'Fresh' && one.status === 'False'))
      stale += 1;
  }
  for (const [state, count] of Object.entries(states)) metrics.resources.set({ state }, count);
  metrics.staleResources.set(stale);

  metrics.groupResources.reset();
  for (const { intervalMs, members } of groups.sizes()) {
    const [interval] = INTERVALS.find(([, most]) => intervalMs <= most)!;
    metrics.groupResources.inc({ interval }, members);
  }

  const { safeFailing, safeLastSuccess, safeAnswerAge, safeSecrets } = metrics;
  for (const gauge of [safeFailing, safeLastSuccess, safeAnswerAge, safeSecrets]) gauge.reset();
  for (const fetcher of fetchers.all()) {
    const { url, failure, confirmedAt, last } = fetcher;
    if (failure)
      safeFailing.set({ url, stage: stageOf(failure.code), code: failure.code }, failure.since / 1000);
    if (confirmedAt !== undefined) safeLastSuccess.set({ url }, confirmedAt / 1000);
    if (last) safeSecrets.set({ url }, last.secrets);
    const answer = fetcher.answer();
    if (answer) safeAnswerAge.set({ url }, Math.max(0, clock.now() - answer.begunAt) / 1000);
  }
}
