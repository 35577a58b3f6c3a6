import { absence } from './invariants/absence.ts';
import { deletion } from './invariants/deletion.ts';
import { foreign } from './invariants/foreign.ts';
import { honesty } from './invariants/honesty.ts';
import { lateness } from './invariants/lateness.ts';
import { mandate } from './invariants/mandate.ts';
import { order } from './invariants/order.ts';
import { wholeness } from './invariants/wholeness.ts';
import type { Invariant } from './scene.ts';

/** All that must never be seen. */
export const INVARIANTS: readonly Invariant[] = [
  order,
  wholeness,
  foreign,
  deletion,
  mandate,
  absence,
  honesty,
  lateness,
];
