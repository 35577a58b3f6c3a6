import type { Clock } from '../../agent/clock.ts';
import { createLog } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import type { Change } from '../../agent/shard/ownership.ts';
import { SharedOwnership } from '../../agent/shard/shared-ownership.ts';
import type { Slice } from '../../agent/shard/slices.ts';
import { median } from './figure.ts';
import { namespaceNames, nodeNames } from './names.ts';

export interface HandoverSize {
  nodes: number;
  namespaces: number;
  /** How many departures are tabled and timed. */
  departures: number;
}

/**
 * Milliseconds from a change of the slices, or from the end of the delay, to what the agent on one of the
 * nodes gained or lost, on its own code: the worse of the medians of departures and returns.
 */
export function handoverMs(size: HandoverSize): number {
  const nodes = nodeNames(1, size.nodes);
  const namespaces = namespaceNames(0, size.namespaces);
  const due: (() => void)[] = [];
  const clock: Clock = { now: () => 0, wall: () => 0, after: (_ms, run) => (due.push(run), () => {}) };
  const ownership = new SharedOwnership({
    node: nodes[0]!,
    maxOwners: 0,
    handoffDelayMs: 0,
    list: async () => [],
    watchedAt: () => clock.now(),
    namespaces: () => namespaces,
    clock,
    random: Math.random,
    log: createLog('silent', {}),
    metrics: createMetrics(),
  });
  let change: Change | undefined;
  ownership.onChange((told) => (change = told));
  const timed = (run: () => void): number => {
    change = undefined;
    const from = performance.now();
    run();
    const ms = performance.now() - from;
    if (change === undefined) throw new Error('the change was not noticed');
    return ms;
  };
  const endDelay = (): void => due.splice(0).forEach((run) => run());
  const all = slicesOf(nodes);
  ownership.observe(all);
  endDelay();
  const leaves: number[] = [];
  const joins: number[] = [];
  for (const gone of pick(nodes.slice(1), Math.max(5, size.departures))) {
    ownership.observe(slicesOf(nodes.filter((node) => node !== gone)));
    leaves.push(timed(endDelay));
    joins.push(timed(() => ownership.observe(all)));
  }
  return Math.max(median(leaves), median(joins));
}

/** A hundred endpoints a slice, as the endpointslice controller packs them. */
function slicesOf(nodes: string[]): Slice[] {
  return Array.from({ length: Math.ceil(nodes.length / 100) }, (_, i) => ({
    key: `vsecm-agent/${i}`,
    namespace: 'vsecm-agent',
    name: `${i}`,
    uid: '',
    resourceVersion: '',
    endpoints: nodes
      .slice(i * 100, (i + 1) * 100)
      .map((node) => ({ node, pod: node, ready: true, terminating: false })),
  }));
}

/** `count` of the names, evenly spread. */
export const pick = (names: string[], count: number): string[] =>
  Array.from({ length: count }, (_, i) => names[Math.floor((i * names.length) / count)]!);
