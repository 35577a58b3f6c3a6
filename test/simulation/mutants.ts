import type { Setting } from './setting.ts';

/** A fault to be planted: the smallest edit that has it. */
export interface Mutant {
  name: string;
  /** Below agent/. */
  file: string;
  /** Stands there exactly once. */
  from: string;
  to: string;
  /** The kinds of events that show it, and the invariant that catches it. */
  sources: readonly string[];
  invariant: string;
  minutes?: number;
  setting?: Partial<Setting>;
}

const KUBE: readonly Mutant[] = [];

/** Faults that the simulation must find. */
export const MUTANTS: readonly Mutant[] = [...KUBE];
