import { badRequest } from './api-error.ts';
import { stepsOf } from './field-set.ts';
import { itemStep, membersOf, type Shape } from './shape.ts';

/** What is applied, laid over what is there. Neither is changed. */
export function merge(live: any, applied: any, shape: Shape): any {
  if (membersOf(live, shape) === undefined || membersOf(applied, shape) === undefined) return applied;
  if (Array.isArray(applied)) {
    const list = shape.list!;
    const left = new Map<string, unknown>(live.map((item: unknown) => [itemStep(item, list), item]));
    for (const item of applied) {
      const step = itemStep(item, list);
      left.set(step, left.has(step) ? merge(left.get(step), item, shape.items ?? {}) : item);
    }
    return [...left.values()];
  }
  const result = { ...live };
  for (const [name, value] of Object.entries(applied)) {
    result[name] = merge(live[name], value, shape.fields?.[name] ?? shape.items ?? {});
  }
  return result;
}

/** The object without one field or list item. */
export function without(object: any, path: string, shape: Shape): any {
  const [step, ...rest] = stepsOf(path);
  const members = membersOf(object, shape);
  const member = members?.find((one) => one.step === step);
  if (members === undefined || member === undefined) return object;
  const inner =
    rest.length === 0
      ? undefined
      : without(member.value, rest.map((one) => `${one}\0`).join(''), member.shape);
  if (Array.isArray(object)) {
    return members.flatMap((one) => (one !== member ? [one.value] : inner === undefined ? [] : [inner]));
  }
  const { [member.step.slice(2)]: _, ...others } = object;
  return inner === undefined || isEmptied(inner) ? others : { ...others, [member.step.slice(2)]: inner };
}

/** A map goes with the last member that is removed from it. */
const isEmptied = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** RFC 7396. */
export function mergePatch(target: any, patch: any): any {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

/** RFC 6902, only add, replace, remove and test. */
export function jsonPatch(target: any, operations: any[]): any {
  const result = structuredClone(target);
  for (const { op, path, value } of operations) {
    const steps = String(path)
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() ?? '';
    const parent = steps.reduce((node, step) => node?.[step], result);
    if (typeof parent !== 'object' || parent === null) throw badRequest(`json patch: no such path: ${path}`);
    if (op === 'test') {
      if (JSON.stringify(parent[last]) !== JSON.stringify(value))
        throw badRequest(`json patch: test failed: ${path}`);
    } else if (op === 'remove') {
      if (Array.isArray(parent)) parent.splice(Number(last), 1);
      else delete parent[last];
    } else if (Array.isArray(parent) && op === 'add') {
      parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    } else {
      parent[last] = value;
    }
  }
  return result;
}
