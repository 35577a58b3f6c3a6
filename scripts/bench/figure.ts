/** Everything that is measured, by its key in the JSON: unit and what it is. */
export const FIGURES = {
  'sync.perSecond': ['/s', 'new resources that become Ready'],
  'sync.writesPerSecond': ['/s', 'writes of the agent meanwhile: Secrets, statuses, Events'],
  'sync.rawWritesPerSecond': ['/s', 'the same writes by a plain loop on as many connections'],
  'sync.ratio': ['', "the agent's writes a second over the plain loop's"],
  'noop.kubeRequests': ['', 'requests to the API server for a refresh that changes nothing'],
  'noop.safeRequests': ['', 'requests to Safe for it, whatever the number of resources'],
  'noop.cpuMicrosPerResource': ['us', 'CPU time of it per resource'],
  'noop.loopDelayP99Ms': ['ms', 'delay of the event loop around it, 99th percentile'],
  'memory.idleMiB': ['MiB', 'RSS without resources'],
  'memory.otherMiB': ['MiB', 'RSS of an agent of a fleet that owns nothing'],
  'memory.with1000MiB': ['MiB', 'RSS with 1,000 resources'],
  'memory.with10000MiB': ['MiB', 'RSS with 10,000 resources'],
  'idle.cpuMsPerHour': ['ms/h', 'CPU time of an agent of a fleet that owns nothing'],
  'start.readyMs': ['ms', 'from the start of the process to /readyz'],
  'rotate.valueToSecretMs': ['ms', 'from the wish for a refresh to the new value in the Secret'],
  'handover.computeMs': ['ms', "a member's change, computed"],
  'handover.movedShare': ['', 'share of the namespaces that move, 16 owners of 200'],
  'handover.maxOverAverage': ['', 'load of the busiest owner over the average'],
  'bundle.kib': ['KiB', 'dist/agent.js'],
} as const satisfies Record<string, readonly [unit: string, meaning: string]>;

export type FigureKey = keyof typeof FIGURES;

/** What was measured: the value of each repetition. What was not measured is absent. */
export type Figures = Partial<Record<FigureKey, number[]>>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Adds the values of `more`, key by key. */
export function gather(figures: Figures, more: Figures): void {
  for (const [key, values] of Object.entries(more) as [FigureKey, number[]][])
    figures[key] = [...(figures[key] ?? []), ...values];
}
