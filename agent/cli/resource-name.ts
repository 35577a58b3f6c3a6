import { UsageError } from './usage-error.ts';

const PREFIX = /^(vss|vsecmsecrets?)(\.vsecm\.com)?\//;

/** The one resource that a command line names: `NAME`, or as kubectl has it `vss/NAME` or `vss NAME`. */
export function resourceName(args: readonly string[]): string {
  const names = resourceNames(args);
  if (names.length === 1) return names[0]!;
  throw new UsageError(names.length === 0 ? 'the name of a VSecMSecret is missing' : 'one name only');
}

/** All resources that a command line names, each once. */
export function resourceNames(args: readonly string[]): string[] {
  const rest = PREFIX.test(`${args[0] ?? ''}/`) && args.length > 1 ? args.slice(1) : args;
  const names = rest.map((arg) => arg.replace(PREFIX, ''));
  const bad = names.find((name) => !/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(name));
  if (bad !== undefined) throw new UsageError(`${JSON.stringify(bad)} is not the name of a VSecMSecret`);
  return [...new Set(names)];
}
