import { parseArgs } from 'node:util';
import type { Command, Option } from './session.ts';
import { UsageError } from './usage-error.ts';

/** What all commands take. */
export const GLOBAL_OPTIONS = {
  namespace: { type: 'string', short: 'n', placeholder: 'NAMESPACE', help: "the context's, unless given" },
  'all-namespaces': { type: 'boolean', short: 'A', help: 'of the whole cluster (refresh --all)' },
  output: { type: 'string', short: 'o', placeholder: 'json', help: 'for programs' },
  context: { type: 'string', placeholder: 'NAME', help: "one of the kubeconfig's" },
  kubeconfig: { type: 'string', placeholder: 'FILE', help: 'as for kubectl' },
  'agent-namespace': { type: 'string', placeholder: 'NAMESPACE', help: 'where the agents are; vsecm-agent' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
  version: { type: 'boolean', help: 'the version' },
} as const satisfies Record<string, Option>;

export interface Arguments {
  /** Undefined: none was named. */
  command: Command | undefined;
  /** What follows it. */
  args: string[];
  options: Record<string, string | boolean | undefined>;
}

/** @throws UsageError */
export function parseArguments(argv: readonly string[], commands: readonly Command[]): Arguments {
  const name = firstWord(argv);
  const command = commands.find((one) => one.name === name);
  if (name !== undefined && command === undefined)
    throw new UsageError(`unknown command ${JSON.stringify(name)}`);
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: plain({ ...GLOBAL_OPTIONS, ...command?.options }),
      allowPositionals: true,
    });
    const options = values as Arguments['options'];
    const { output } = options;
    if (output !== undefined && output !== 'json') throw new UsageError('-o: wanted json');
    return { command, args: positionals.slice(1), options };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // The message names the option, as it was typed.
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'unknown option');
  }
}

/** The command's name: the first word that belongs to no option. Its own options stand after it. */
function firstWord(argv: readonly string[]): string | undefined {
  const { tokens } = parseArgs({
    args: [...argv],
    options: plain(GLOBAL_OPTIONS),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return tokens.find((token) => token.kind === 'positional')?.value;
}

const plain = (options: Readonly<Record<string, Option>>) =>
  Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }) },
    ]),
  );
