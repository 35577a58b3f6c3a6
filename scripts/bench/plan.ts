/** What is measured on what. */
export interface Bench {
  kind: 'dev' | 'real';
  /** The agent's one file. */
  bundle: string;
}

/** How much is measured, and how often. */
export interface Plan {
  sync: { repetitions: number; resources: number; namespaces: number };
  /** Memory and refreshes that change nothing, with `resources` on `secrets` of `secretBytes` each. */
  scale: {
    repetitions: number;
    resources: number;
    secrets: number;
    secretBytes: number;
    namespaces: number;
    /** Refreshes per repetition. */
    refreshes: number;
    intervalMs: number;
    /** Refreshes after a change before memory is read and refreshes are measured. */
    settledAfter: number;
    /** How long the agent is watched without any resource. */
    idleMs: number;
  };
  /** An agent that owns nothing, and how long it is watched. */
  other: { repetitions: number; idleMs: number };
  start: { repetitions: number };
  rotate: { repetitions: number };
  handover: { repetitions: number; nodes: number; namespaces: number; departures: number };
}

/** The sizes that the figures' names stand for. */
export const FULL: Plan = {
  sync: { repetitions: 5, resources: 1_000, namespaces: 50 },
  scale: {
    repetitions: 3,
    resources: 10_000,
    secrets: 1_000,
    secretBytes: 1_024,
    namespaces: 50,
    refreshes: 6,
    intervalMs: 10_000,
    settledAfter: 3,
    idleMs: 20_000,
  },
  other: { repetitions: 2, idleMs: 60_000 },
  start: { repetitions: 11 },
  rotate: { repetitions: 7 },
  handover: { repetitions: 3, nodes: 5_000, namespaces: 50_000, departures: 5 },
};

/** A look in a minute or two, at a tenth of the resources. */
export const QUICK: Plan = {
  sync: { repetitions: 1, resources: 200, namespaces: 10 },
  scale: { ...FULL.scale, repetitions: 1, resources: 1_000, secrets: 100, refreshes: 2, idleMs: 5_000 },
  other: { repetitions: 1, idleMs: 20_000 },
  start: { repetitions: 3 },
  rotate: { repetitions: 2 },
  handover: { repetitions: 1, nodes: 500, namespaces: 5_000, departures: 3 },
};
