import { Rendezvous } from '../../agent/shard/rendezvous.ts';
import { median } from './figure.ts';
import { handoverMs, pick, type HandoverSize } from './handover-timing.ts';
import { namespaceNames, nodeNames } from './names.ts';

/** One departure with every member an owner. */
export interface DepartureRow {
  /** The member that left, and how many namespaces it owned. */
  node: string;
  owned: number;
  /** How many namespaces have another owner afterwards, and how many of these were not the member's. */
  moved: number;
  movedOfOthers: number;
  /** The largest number of them that one member took. */
  mostTakenByOne: number;
}

/** Departures with a limited number of owners, each owner in turn. */
export interface LimitRow {
  nodes: number;
  owners: number;
  namespaces: number;
  /** Shares of all namespaces that moved. */
  mean: number;
  least: number;
  most: number;
  /** What moves when one of the members that own nothing leaves. */
  whenOtherLeaves: number;
}

export interface Handover {
  /** Worst of the medians for a member that leaves and one that joins, as a remaining agent computes it. */
  computeMs: number;
  /** 16 owners of 200 nodes, mean over the departures of each owner. */
  movedShare: number;
  /** 16 owners, 1,000 namespaces, median over 100 sets of names. */
  maxOverAverage: number;
  departures: DepartureRow[];
  limits: LimitRow[];
}

/** The fleet that the figures are stated for. */
export const FULL: HandoverSize = { nodes: 5_000, namespaces: 50_000, departures: 5 };

/** Simulates departures on the agent's own code, without a cluster. Only `computeMs` differs from run to run. */
export function measureHandover(size: HandoverSize = FULL): Handover {
  const limits = [200, 5_000].map((nodes) => limitRow(nodes));
  return {
    computeMs: handoverMs(size),
    movedShare: limits[0]!.mean,
    maxOverAverage: median(Array.from({ length: 100 }, (_, set) => maxOverAverage(set))),
    departures: departureRows(size),
    limits,
  };
}

function departureRows(size: HandoverSize): DepartureRow[] {
  const nodes = nodeNames(1, size.nodes);
  const namespaces = namespaceNames(0, size.namespaces);
  const before = ownersOf(nodes, namespaces, 0);
  return pick(nodes, size.departures).map((node) => {
    const after = ownersOf(
      nodes.filter((other) => other !== node),
      namespaces,
      0,
    );
    const moved = [...namespaces.keys()].filter((i) => after[i] !== before[i]);
    return {
      node,
      owned: before.filter((owner) => owner === node).length,
      moved: moved.length,
      movedOfOthers: moved.filter((i) => before[i] !== node).length,
      mostTakenByOne: Math.max(0, ...countBy(moved.map((i) => after[i]!)).values()),
    };
  });
}

function limitRow(size: number, owners = 16): LimitRow {
  const nodes = nodeNames(1, size);
  const namespaces = namespaceNames(0, 10_000);
  const before = ownersOf(nodes, namespaces, owners);
  const elected = new Rendezvous(nodes, { maxOwners: owners }).owners;
  const share = (gone: string): number => {
    const after = ownersOf(
      nodes.filter((node) => node !== gone),
      namespaces,
      owners,
    );
    return after.filter((owner, i) => owner !== before[i]).length / namespaces.length;
  };
  const shares = elected.map(share);
  return {
    nodes: size,
    owners,
    namespaces: namespaces.length,
    mean: shares.reduce((sum, value) => sum + value, 0) / shares.length,
    least: Math.min(...shares),
    most: Math.max(...shares),
    whenOtherLeaves: share(nodes.find((node) => !elected.includes(node))!),
  };
}

/** The busiest owner's load over the average one's; names of nodes and namespaces differ by `set`. */
function maxOverAverage(set: number): number {
  const counts = countBy(ownersOf(nodeNames(set, 16), namespaceNames(set, 1_000), 16));
  return Math.max(...counts.values()) / (1_000 / 16);
}

function ownersOf(nodes: string[], namespaces: string[], maxOwners: number): string[] {
  const table = new Rendezvous(nodes, { maxOwners });
  return namespaces.map((namespace) => table.ownerOf(namespace)!);
}

function countBy(names: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
