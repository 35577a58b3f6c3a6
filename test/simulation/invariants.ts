import { absence } from './invariants/absence.ts';
import { deletion } from './invariants/deletion.ts';
import { fight } from './invariants/fight.ts';
import { foreign } from './invariants/foreign.ts';
import { freshness } from './invariants/freshness.ts';
import { holding } from './invariants/holding.ts';
import { honesty } from './invariants/honesty.ts';
import { idleness } from './invariants/idleness.ts';
import { lateness } from './invariants/lateness.ts';
import { mandate } from './invariants/mandate.ts';
import { order } from './invariants/order.ts';
import { pace } from './invariants/pace.ts';
import { settling } from './invariants/settling.ts';
import { staleness } from './invariants/staleness.ts';
import { truth } from './invariants/truth.ts';
import { wholeness } from './invariants/wholeness.ts';
import type { Invariant } from './scene.ts';

/** All that must never be seen. */
export const INVARIANTS: readonly Invariant[] = [
  order,
  wholeness,
  freshness,
  idleness,
  foreign,
  holding,
  deletion,
  mandate,
  absence,
  honesty,
  truth,
  fight,
  staleness,
  lateness,
  pace,
  settling,
];
