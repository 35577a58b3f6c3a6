import { GLOBAL_OPTIONS } from './arguments.ts';
import type { Command, Option } from './session.ts';
import { table } from './table.ts';

/** What `kubectl vsecm` says without a command. */
export function overview(commands: readonly Command[], version: string): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}\n`).join('');
  return `kubectl vsecm ${version}: what the VSecM agents do, and why. Never shows a value of a secret, and reads none.

Usage: kubectl vsecm COMMAND [options]

${rows}
Options of all commands:
${optionTable(GLOBAL_OPTIONS)}
kubectl vsecm COMMAND --help tells more. Exit codes: 0 well, 1 not, 2 the command line cannot be understood.
`;
}

/** `--help` of one command. */
export function helpOf({ name, synopsis, summary, details, options }: Command): string {
  const own = Object.keys(options).length === 0 ? '' : `\nOptions:\n${optionTable(options)}`;
  return `${summary}.

Usage: kubectl vsecm ${name}${synopsis === '' ? '' : ` ${synopsis}`}

${details}
${own}
Options of all commands:
${optionTable(GLOBAL_OPTIONS)}`;
}

function optionTable(options: Readonly<Record<string, Option>>): string {
  const rows = Object.entries(options).map(([name, { short, placeholder, help }]) => [
    `  ${short === undefined ? '    ' : `-${short}, `}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    help,
  ]);
  return table(rows[0]!, rows.slice(1));
}
