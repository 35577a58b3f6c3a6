import { isDeepStrictEqual } from 'node:util';
import { fieldManagerConflict } from './api-error.ts';
import {
  claimedBy,
  difference,
  fromFieldsV1,
  minus,
  reaches,
  readable,
  toFieldsV1,
  type FieldSet,
} from './field-set.ts';
import { merge, without } from './merge.ts';
import type { Shape } from './shape.ts';

/** Who writes: one entry of managedFields belongs to each combination. */
export interface Writer {
  manager: string;
  operation: 'Apply' | 'Update';
  subresource: string;
  apiVersion: string;
}

/** Who writes, and when, RFC 3339. */
export interface Writing extends Writer {
  at: string;
}

interface Entry extends Writer {
  time?: string;
  fields: FieldSet;
}

/** Server-side apply: the merged object, with managedFields. Throws the conflict. */
export function applyFields(
  live: any,
  applied: any,
  shape: Shape,
  { at, ...writer }: Writing,
  force: boolean,
): any {
  const entries = entriesOf(live);
  if (entries.length === 0 && live.metadata.uid !== undefined)
    entries.push(beforeFirstApply(live, shape, writer, at));
  const mine = entries.find((entry) => sameWriter(entry, writer));
  const others = entries.filter((entry) => entry !== mine);
  const claimed = claimedBy(applied, shape);

  let merged = merge(live, applied, shape);
  const kept = new Set([...claimed, ...others.flatMap((entry) => [...entry.fields])]);
  for (const path of mine?.fields ?? []) if (!reaches(kept, path)) merged = without(merged, path, shape);

  const { added, modified, removed } = difference(live, merged, shape);
  const changed = new Set([...added, ...modified]);
  const conflicts = others.flatMap((entry) =>
    [...entry.fields]
      .filter((path) => changed.has(path))
      .map((path) => ({ manager: entry.manager, field: readable(path) })),
  );
  if (conflicts.length > 0 && !force) throw fieldManagerConflict(conflicts);
  for (const entry of others) entry.fields = minus(entry.fields, changed, removed);

  // An apply that moves nothing but ownership leaves the time of its entry as it was: absent, if it is new.
  const time = changed.size + removed.size > 0 || live.metadata.uid === undefined ? at : mine?.time;
  return withEntries(merged, [
    ...others,
    { ...writer, ...(time === undefined ? {} : { time }), fields: claimed },
  ]);
}

/** Any other write: what `next` changes against `live` now belongs to the writer. */
export function updateFields(live: any, next: any, shape: Shape, { at, ...writer }: Writing): any {
  const entries = entriesOf(live);
  const mine = entries.find((entry) => sameWriter(entry, writer)) ?? { ...writer, fields: new Set<string>() };
  const { added, modified, removed } = difference(live, next, shape);
  for (const entry of entries) entry.fields = minus(entry.fields, modified, removed);
  const fields = new Set([...minus(mine.fields, removed), ...added, ...modified]);
  const time = added.size + modified.size + removed.size > 0 ? at : mine.time;
  return withEntries(next, [
    ...entries.filter((entry) => entry !== mine),
    { ...mine, ...(time === undefined ? {} : { time }), fields },
  ]);
}

/** What is there before the first apply and belongs to nobody, such as defaults, belongs to this one from then on. */
const beforeFirstApply = (
  live: any,
  shape: Shape,
  { subresource, apiVersion }: Writer,
  at: string,
): Entry => ({
  manager: 'before-first-apply',
  operation: 'Update',
  subresource,
  apiVersion,
  time: at,
  fields: difference({ metadata: {} }, live, shape).added,
});

/** Everything but times. */
export const sameFields = (one: any, other: any): boolean => {
  const plain = (object: any): unknown =>
    entriesOf(object)
      .map(({ time: _, fields, ...writer }) => `${JSON.stringify(writer)} ${[...fields].sort().join()}`)
      .sort();
  return isDeepStrictEqual(plain(one), plain(other));
};

const sameWriter = (one: Writer, other: Writer): boolean =>
  one.manager === other.manager && one.operation === other.operation && one.subresource === other.subresource;

function entriesOf(object: any): Entry[] {
  return (object.metadata?.managedFields ?? []).map(
    ({ manager, operation, subresource = '', apiVersion, time, fieldsV1 }: any) => ({
      manager,
      operation,
      subresource,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fields: fromFieldsV1(fieldsV1),
    }),
  );
}

function withEntries(object: any, entries: Entry[]): any {
  const order = ({ operation, time = '', manager }: Entry): string => `${operation} ${time} ${manager}`;
  const managedFields = entries
    .filter((entry) => entry.fields.size > 0)
    .sort((one, other) => (order(one) < order(other) ? -1 : 1))
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } };
}
