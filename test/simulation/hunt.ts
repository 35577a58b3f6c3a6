import { run, type Outcome } from './run.ts';
import { scriptOf } from './script.ts';
import type { Setting } from './setting.ts';

export interface Hunt {
  setting: Omit<Setting, 'seed'>;
  /** Of events; default some of all. */
  sources?: readonly string[] | undefined;
  invariant: string;
  from: number;
  /** Seeds that are tried at most. */
  seeds: number;
}

/** The first world in which the invariant is violated, and how many it took; undefined: none. */
export async function hunt({
  setting,
  sources,
  invariant,
  from,
  seeds,
}: Hunt): Promise<{ outcome: Outcome; tried: number } | undefined> {
  for (let tried = 1; tried <= seeds; tried++) {
    const of = { ...setting, seed: from + tried - 1 };
    const outcome = await run(of, scriptOf(of, sources), { until: invariant });
    if (outcome.violations.some((one) => one.invariant === invariant)) return { outcome, tried };
  }
  return undefined;
}
