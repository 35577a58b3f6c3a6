import { FIGURES, type FigureKey } from './figure.ts';

/**
 * What carries over to other machines, with the share by which it may be worse than it was: ratios, counts, and sizes.
 * Times are told and not judged.
 */
const JUDGED: Partial<Record<FigureKey, { better: 'more' | 'less'; within: number }>> = {
  'sync.ratio': { better: 'more', within: 0.15 },
  'noop.kubeRequests': { better: 'less', within: 0 },
  'noop.safeRequests': { better: 'less', within: 0 },
  'memory.idleMiB': { better: 'less', within: 0.1 },
  'memory.otherMiB': { better: 'less', within: 0.1 },
  'memory.with1000MiB': { better: 'less', within: 0.15 },
  'memory.with10000MiB': { better: 'less', within: 0.15 },
  'handover.movedShare': { better: 'less', within: 0.01 },
  'handover.maxOverAverage': { better: 'less', within: 0.01 },
  'bundle.kib': { better: 'less', within: 0.05 },
};

/** Medians by key, as `--json` writes them. */
export type Medians = Partial<Record<FigureKey, number>>;

/** What got worse than it was, one sentence each. What only one of them has is not compared. */
export function worsened(was: Medians, is: Medians): string[] {
  return (Object.keys(FIGURES) as FigureKey[]).flatMap((key) => {
    const [judged, before, now] = [JUDGED[key], was[key], is[key]];
    if (judged === undefined || before === undefined || now === undefined) return [];
    const most = before * (1 + (judged.better === 'less' ? judged.within : -judged.within));
    const isWorse = judged.better === 'less' ? now > most : now < most;
    return isWorse ? [`${key}: ${now}, was ${before}; ${Number(most.toPrecision(4))} would do`] : [];
  });
}
