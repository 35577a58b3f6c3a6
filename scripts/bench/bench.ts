import { stat } from 'node:fs/promises';
import { gather, type Figures } from './figure.ts';
import { measureHandover, type Handover } from './handover.ts';
import { measureOther } from './other.ts';
import type { Bench, Plan } from './plan.ts';
import { measureRotate } from './rotate.ts';
import { measureScale } from './scale.ts';
import { measureStart } from './start.ts';
import { measureSync } from './sync.ts';

/** What came out. */
export interface Measured {
  figures: Figures;
  /** The last repetition's simulation; all are alike but for the time. */
  handover?: Handover;
}

/** The parts that can be measured by themselves; `noop` and `memory` are measured together, and `memory` in part with `idle`. */
export const PARTS = ['bundle', 'handover', 'start', 'rotate', 'sync', 'noop', 'memory', 'idle'] as const;
export type Part = (typeof PARTS)[number];

/** Measures the parts, each repetition by itself; `tell` hears what is being done. */
export async function measure(
  plan: Plan,
  bench: Bench,
  parts: ReadonlySet<Part>,
  tell: (doing: string) => void,
): Promise<Measured> {
  const figures: Figures = {};
  let handover: Handover | undefined;
  const repeat = async (
    what: string,
    times: number,
    once: () => Promise<Figures> | Figures,
  ): Promise<void> => {
    for (let turn = 1; turn <= times; turn++) {
      tell(times === 1 ? what : `${what}, ${turn} of ${times}`);
      gather(figures, await once());
    }
  };
  const has = (...some: Part[]): boolean => some.some((part) => parts.has(part));
  if (has('bundle')) figures['bundle.kib'] = [(await stat(bench.bundle)).size / 1024];
  if (has('start')) await repeat('start', 1, () => measureStart(plan.start, bench));
  if (has('rotate')) await repeat('rotate', 1, () => measureRotate(plan.rotate, bench));
  if (has('sync')) await repeat('sync', plan.sync.repetitions, () => measureSync(plan.sync, bench));
  if (has('idle', 'memory'))
    await repeat('idle', plan.other.repetitions, () => measureOther(plan.other, bench));
  if (has('noop', 'memory'))
    await repeat('noop and memory', plan.scale.repetitions, () => measureScale(plan.scale, bench));
  if (has('handover'))
    await repeat('handover', plan.handover.repetitions, () => {
      handover = measureHandover(plan.handover);
      const { computeMs, movedShare, maxOverAverage } = handover;
      return {
        'handover.computeMs': [computeMs],
        'handover.movedShare': [movedShare],
        'handover.maxOverAverage': [maxOverAverage],
      };
    });
  const wanted = Object.entries(figures).filter(([key]) => parts.has(key.split('.')[0] as Part));
  return { figures: Object.fromEntries(wanted), ...(handover && { handover }) };
}
