import { JSONPath } from 'jsonpath-plus';
import type { ResourceObject } from './objects.ts';

/** A printer column of a CustomResourceDefinition. */
interface Column {
  name: string;
  type: string;
  jsonPath: string;
  priority?: number;
}

/** As much of a CustomResourceDefinition as it takes to print its resources. */
export interface Definition {
  spec: { versions: { storage: boolean; additionalPrinterColumns?: Column[] }[] };
}

/** What `kubectl get vss` prints for these objects, as with `-A` or not: the columns that the cluster's CRD declares. */
export function resourceTable(
  definition: Definition,
  objects: readonly ResourceObject[],
  { allNamespaces = true, now = Date.now() }: { allNamespaces?: boolean; now?: number } = {},
): string {
  const version = definition.spec.versions.find(({ storage }) => storage);
  const columns = (version?.additionalPrinterColumns ?? []).filter(({ priority = 0 }) => priority === 0);
  const rows = objects.map((object) => [
    ...(allNamespaces ? [object.metadata.namespace] : []),
    object.metadata.name,
    ...columns.map((column) => cell(column, object, now)),
  ]);
  const place = allNamespaces ? ['NAMESPACE', 'NAME'] : ['NAME'];
  return aligned([[...place, ...columns.map(({ name }) => name.toUpperCase())], ...rows]);
}

function cell({ jsonPath, type }: Column, object: ResourceObject, now: number): string {
  const [value] = JSONPath({ path: `$${jsonPath}`, json: object, eval: 'safe' }) as unknown[];
  if (value === undefined) return '';
  return type === 'date' ? age(now - Date.parse(String(value))) : String(value);
}

/** As kubectl shows ages, up to minutes. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
