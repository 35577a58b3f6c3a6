import { cpus, loadavg, release, totalmem } from 'node:os';
import { FIGURES, median, type FigureKey, type Figures } from './figure.ts';
import type { Handover } from './handover.ts';

/** Where figures come from. */
export interface Surroundings {
  cluster: string;
  quick: boolean;
  machine: { cpu: string; cpus: number; memoryGiB: number; kernel: string; node: string };
  /** Processes that wanted to run, on average of the last minute before the start. */
  load: number;
}

export function surroundings(kind: 'dev' | 'real', quick: boolean): Surroundings {
  return {
    cluster: kind === 'real' ? 'kube-apiserver and etcd' : 'development cluster (API server in this process)',
    quick,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cpus: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: `${process.platform} ${release()}`,
      node: process.version,
    },
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  };
}

/** The lines above the table. */
export function describe({ cluster, quick, machine, load }: Surroundings): string {
  const { cpu, memoryGiB, kernel, node } = machine;
  return [
    `On: ${cluster}`,
    `Machine: ${machine.cpus} x ${cpu}, ${memoryGiB} GiB, ${kernel}, Node ${node}, load ${load} at the start`,
    ...(load > machine.cpus / 2 ? ['The machine is busy with other things: times are too long.'] : []),
    ...(quick ? ['Quick: fewer resources and repetitions; not to be compared with the full run.'] : []),
  ].join('\n');
}

/** The figures with the spread of their repetitions. */
export function table(figures: Figures): string {
  const rows = (Object.keys(FIGURES) as FigureKey[]).flatMap((key) => {
    const values = figures[key];
    if (values === undefined) return [];
    const [unit, meaning] = FIGURES[key];
    const shown = [median(values), Math.min(...values), Math.max(...values)].map(show);
    return [[key, ...shown, String(values.length), unit, meaning]];
  });
  return markdown(['figure', 'median', 'min', 'max', 'n', 'unit', ''], rows);
}

/** What the simulated departures moved. */
export function handoverTables({ departures, limits }: Handover): string {
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
  return [
    'No limit on owners: namespaces that move when one member leaves',
    markdown(
      ['member', 'owned', 'moved', 'of others', 'most to one'],
      departures.map((row) => [
        row.node,
        ...[row.owned, row.moved, row.movedOfOthers, row.mostTakenByOne].map(String),
      ]),
    ),
    'A limit on owners: share of all namespaces that move when one owner leaves, each in turn',
    markdown(
      ['nodes', 'owners', 'mean', 'least', 'most', 'another leaves'],
      limits.map((row) => [
        ...[row.nodes, row.owners].map(String),
        ...[row.mean, row.least, row.most, row.whenOtherLeaves].map(share),
      ]),
    ),
  ].join('\n\n');
}

/** A Markdown table, so that a document can take it as it is; columns of numbers to the right. */
function markdown(head: string[], rows: string[][]): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]!.length)));
  const numeric = head.map((_, i) => rows.every((row) => /^[-0-9.]+( %)?$/.test(row[i]!)));
  const pad = (cell: string, i: number): string =>
    numeric[i] === true ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!);
  const line = (cells: string[]): string => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    numeric[i] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Three significant digits, without exponents. */
function show(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

/** The medians by key, then where they come from and how far the repetitions lie apart. */
export function toJson(figures: Figures, from: Surroundings): string {
  const entries = Object.entries(figures) as [FigureKey, number[]][];
  const medians = entries.map(([key, values]) => [key, rounded(median(values))]);
  const samples = entries.map(([key, values]) => [key, values.map(rounded)]);
  return `${JSON.stringify({ ...Object.fromEntries(medians), from, samples: Object.fromEntries(samples) }, null, 2)}\n`;
}

const rounded = (value: number): number => Number(value.toPrecision(6));
