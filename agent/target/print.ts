import { fingerprint } from '../fingerprint.ts';
import type { Desired } from '../resolve/desired.ts';

/** A keyed digest of the content alone, to tell a change of it. Never leaves memory. */
export function contentPrintOf({ data }: Pick<Desired, 'data'>): string {
  return fingerprint([...data].sort(([a], [b]) => (a < b ? -1 : 1)).flat());
}

/** A keyed digest of what a Secret should hold, and how, to tell a no-op. Never leaves memory. */
export function printOf(desired: Desired, policy: object): string {
  function* parts(): Iterable<string | Uint8Array> {
    yield JSON.stringify(policy);
    for (const [kind, entries] of Object.entries({
      d: desired.data,
      l: desired.labels,
      a: desired.annotations,
    })) {
      const sorted = [...(entries as ReadonlyMap<string, string | Uint8Array>)].sort(([a], [b]) =>
        a < b ? -1 : 1,
      );
      for (const [key, value] of sorted) yield* [kind, key, value];
    }
  }
  return fingerprint(parts());
}
