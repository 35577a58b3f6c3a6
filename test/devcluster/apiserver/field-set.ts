import { isDeepStrictEqual } from 'node:util';
import { membersOf, type Shape } from './shape.ts';

/** Paths of fields; a path is its steps, each ended by a NUL, so that a prefix of one is a prefix of the text. */
export type FieldSet = Set<string>;

const END = '\0';

/** Never owned by anyone. */
const UNOWNED = ['apiVersion', 'kind', 'metadata'].map((name) => `f:${name}${END}`);
const UNOWNED_METADATA = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
].map((name) => `f:metadata${END}f:${name}${END}`);

/** What an applied object claims: its leaves, and each item of a keyed list. */
export function claimedBy(object: unknown, shape: Shape): FieldSet {
  const set: FieldSet = new Set();
  const visit = (value: unknown, shape: Shape, path: string): void => {
    const members = membersOf(value, shape);
    if (members === undefined || members.length === 0) set.add(path);
    for (const { step, value: field, shape: inner } of members ?? []) {
      if (step.startsWith('k:')) set.add(path + step + END);
      visit(field, inner, path + step + END);
    }
  };
  visit(object, shape, '');
  return owned(set);
}

export interface Difference {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** Field by field; an object or list that is new counts itself and all that is in it. null counts as absent. */
export function difference(before: unknown, after: unknown, shape: Shape): Difference {
  const result: Difference = { added: new Set(), modified: new Set(), removed: new Set() };
  const all = (value: unknown, shape: Shape, path: string, set: FieldSet): void => {
    set.add(path);
    for (const { step, value: field, shape: inner } of membersOf(value, shape) ?? [])
      all(field, inner, path + step + END, set);
  };
  const visit = (before: unknown, after: unknown, shape: Shape, path: string): void => {
    if (before === after) return;
    if (before === undefined || before === null)
      return void (after != null && all(after, shape, path, result.added));
    if (after === undefined || after === null) return all(before, shape, path, result.removed);
    const old = membersOf(before, shape);
    const now = membersOf(after, shape);
    if (old === undefined || now === undefined)
      return void (isDeepStrictEqual(before, after) || result.modified.add(path));
    const left = new Map(old.map((member) => [member.step, member]));
    for (const { step, value, shape: inner } of now) {
      visit(left.get(step)?.value, value, inner, path + step + END);
      left.delete(step);
    }
    for (const { step, value, shape: inner } of left.values())
      visit(value, undefined, inner, path + step + END);
  };
  visit(before, after, shape, '');
  return { added: owned(result.added), modified: owned(result.modified), removed: owned(result.removed) };
}

export const minus = (set: FieldSet, ...others: FieldSet[]): FieldSet =>
  new Set([...set].filter((path) => !others.some((other) => other.has(path))));

/** Is `path` or something below it in the set? */
export const reaches = (set: FieldSet, path: string): boolean => [...set].some((one) => one.startsWith(path));

export const stepsOf = (path: string): string[] => path.split(END).slice(0, -1);

/** As kube-apiserver names a field in a conflict: `.data.k`, `.status.conditions[type="Ready"].status`. */
export const readable = (path: string): string =>
  stepsOf(path)
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`;
      if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
      const keys = Object.entries(JSON.parse(step.slice(2)));
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');

/** The nested form of managedFields. */
export function toFieldsV1(set: FieldSet): any {
  const root: any = {};
  for (const path of [...set].sort()) {
    let node = root;
    for (const step of stepsOf(path)) node = node[step] ??= {};
    node['.'] = {};
  }
  const prune = (node: any): any => {
    if (Object.keys(node).length === 1) delete node['.'];
    for (const [step, inner] of Object.entries(node)) if (step !== '.') prune(inner);
    return node;
  };
  return prune(root);
}

export function fromFieldsV1(fields: any): FieldSet {
  const set: FieldSet = new Set();
  const visit = (node: any, path: string): void => {
    const steps = Object.keys(node);
    if (path !== '' && (steps.length === 0 || '.' in node)) set.add(path);
    for (const step of steps) if (step !== '.') visit(node[step], path + step + END);
  };
  visit(fields, '');
  return set;
}

const owned = (set: FieldSet): FieldSet =>
  new Set(
    [...set].filter(
      (path) =>
        path !== '' && !UNOWNED.includes(path) && !UNOWNED_METADATA.some((start) => path.startsWith(start)),
    ),
  );
