import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { createMetrics } from '../../agent/metrics.ts';

const OPTIONAL = join(import.meta.dirname, '../../daemonset/optional');

export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** The rule groups of the PrometheusRule, as Prometheus reads them. */
export async function ruleGroups(): Promise<{ groups: { name: string; rules: Rule[] }[] }> {
  const object = load(await readFile(join(OPTIONAL, 'prometheusrule.yaml'), 'utf8')) as any;
  return object.spec;
}

/** A query of the dashboard, with the panel that it draws. */
export interface Query {
  title: string;
  expr: string;
}

export async function dashboardQueries(): Promise<Query[]> {
  const { panels } = JSON.parse(await readFile(join(OPTIONAL, 'dashboard.json'), 'utf8'));
  return panels.flatMap(({ title, targets }: any) => targets.map(({ expr }: any) => ({ title, expr })));
}

/** The series that exist: for a histogram those that it is made of; with the labels of each. */
export async function series(): Promise<Map<string, readonly string[]>> {
  const { registry } = createMetrics();
  const known = new Map<string, readonly string[]>([['up', []]]);
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const { labelNames = [] } = registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    if (String(type) !== 'histogram') known.set(name, labelNames);
    else for (const part of ['bucket', 'sum', 'count']) known.set(`${name}_${part}`, ['le', ...labelNames]);
  }
  return known;
}

/** What Prometheus adds to each series when it scrapes the pods. */
const SCRAPED = ['job', 'node', 'pod', 'namespace', 'container', 'instance'];

/** What a query uses that does not exist: series, and labels of them. */
export function unknownIn(expr: string, known: ReadonlyMap<string, readonly string[]>): string[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  const used = [...bare.matchAll(/\b((?:vsecm_agent|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g)];
  const labels = new Set([...SCRAPED, ...used.flatMap(([, name = '']) => known.get(name) ?? [])]);
  const grouped = [...bare.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
  return [
    ...used.flatMap(([, name = '']) => (known.has(name) ? [] : [name])),
    ...used.flatMap(([, name = '', selector = '']) =>
      [...selector.matchAll(/(\w+)\s*[=!]/g)].flatMap(([, label = '']) =>
        SCRAPED.includes(label) || known.get(name)?.includes(label) === true ? [] : [`${name}{${label}}`],
      ),
    ),
    ...grouped.filter((label) => !labels.has(label)).map((label) => `by (${label})`),
  ];
}
